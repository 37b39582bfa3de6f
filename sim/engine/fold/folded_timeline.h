// FoldedTimeline: tells a sink of all operations for which the simulated ones stand.
#pragma once

#include <unordered_map>
#include <vector>

#include "sim/engine/engine.h"
#include "sim/engine/fold/fold.h"

namespace weft::engine {

/// Operations that end at one time wait until all of them are known, so that they are told in order of id.
class FoldedTimeline final : public TimelineSink {
 public:
  /// Both have to outlive this.
  FoldedTimeline(const Fold& fold, TimelineSink& to) : fold_(fold), to_(to) {}

  bool wants_operations() const override { return to_.wants_operations(); }
  void started(OpId op, Seconds t) override {
    if (!wants_operations()) return;
    flush();
    std::vector<OpId>& images = in_flight_[op.value];
    fold_.images(op, images);
    for (const OpId id : images) to_.started(id, t);
  }
  void finished(OpId op, Seconds t) override {
    if (!wants_operations()) return;
    if (t != at_) flush();
    at_ = t;
    const auto images = in_flight_.find(op.value);
    ended_.insert(ended_.end(), images->second.begin(), images->second.end());
    in_flight_.erase(images);
  }
  void first_rate(OpId op, std::uint32_t sub_flow, BytesPerSecond rate) override {
    flush();
    fold_.images(op, images_);
    for (const OpId id : images_) to_.first_rate(id, sub_flow, rate / static_cast<double>(images_.size()));
  }
  /// To be called after the run.
  void flush();

 private:
  const Fold& fold_;
  TimelineSink& to_;
  Seconds at_;
  std::unordered_map<std::uint32_t, std::vector<OpId>> in_flight_;   // by simulated operation: all that it stands for; looked up only
  std::vector<OpId> images_, ended_;
};

}  // namespace weft::engine
