// FoldedTimeline: tells a sink of all operations for which the simulated ones stand.
#pragma once

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
    fold_.images(op, images_);
    for (const OpId id : images_) to_.started(id, t);
  }
  void finished(OpId op, Seconds t) override {
    if (!wants_operations()) return;
    if (t != at_) flush();
    at_ = t;
    fold_.images(op, images_);
    ended_.insert(ended_.end(), images_.begin(), images_.end());
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
  std::vector<OpId> images_, ended_;
};

}  // namespace weft::engine
