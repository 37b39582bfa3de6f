// Recorder: keeps of a run's timeline what a case asked to see.
#pragma once

#include <algorithm>
#include <vector>

#include "sim/engine/engine.h"
#include "workloads/workload.h"

namespace weft::scenarios {

/// `times`: starts and finishes of all operations are kept, also when the case does not ask for them.
class Recorder final : public engine::TimelineSink {
 public:
  Recorder(workloads::Observe what, bool times) : rates_(what == workloads::Observe::first_rates), times_(times || what == workloads::Observe::op_times) {}

  bool wants_operations() const override { return times_; }
  void started(OpId id, Seconds t) override {
    if (times_) put(out_.start, id, t);
  }
  void finished(OpId id, Seconds t) override {
    if (times_) put(out_.finish, id, t);
  }
  void first_rate(OpId id, std::uint32_t sub_flow, BytesPerSecond rate) override {
    if (!rates_) return;
    put(out_.first_rate, id, rate + (id.value < out_.first_rate.size() ? out_.first_rate[id.value] : BytesPerSecond(0)));
    const double flows = sub_flow + 1;
    if (flows_.size() <= id.value) flows_.resize(id.value + 1, 0);
    flows_[id.value] = std::max(flows_[id.value], flows);
    put(slowest_, id, flows_[id.value] == 1 || slowest_.size() <= id.value || rate < slowest_[id.value] ? rate : slowest_[id.value]);
  }

  const std::vector<Seconds>& start() const { return out_.start; }
  const std::vector<Seconds>& finish() const { return out_.finish; }

  /// To be called once, after the run.
  workloads::Outcome take(Seconds makespan) {
    out_.makespan = makespan;
    out_.first_slowest.resize(slowest_.size());
    for (std::size_t i = 0; i < slowest_.size(); ++i) out_.first_slowest[i] = slowest_[i] * flows_[i];
    return std::move(out_);
  }

 private:
  template <class Q>
  static void put(std::vector<Q>& list, OpId id, Q v) {
    if (list.size() <= id.value) list.resize(id.value + 1);
    list[id.value] = v;
  }

  bool rates_, times_;
  workloads::Outcome out_;
  std::vector<BytesPerSecond> slowest_;
  std::vector<double> flows_;
};

}  // namespace weft::scenarios
