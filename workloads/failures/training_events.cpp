// What failures, repairs and discoveries do to a TrainingRun.
#include <algorithm>
#include <cmath>

#include "workloads/failures/training_run.h"

namespace weft::workloads::failures {

void TrainingRun::failures_due() {
  for (std::size_t s = 0; s < arrival_.size(); ++s) {
    while (arrival_[s] <= now_) {
      const std::uint64_t number = number_[s]++;
      arrival_[s] += gap(s, number + 1);
      strike(s, number);
    }
  }
}

void TrainingRun::strike(std::size_t s, std::uint64_t number) {
  const FailureStream& f = job_.streams[s];
  ++causes_[s].failures;
  const bool trains = phase_ == Phase::training || phase_ == Phase::stalled;
  switch (f.effect) {
    case Effect::stop:
      stop(s, f.detection.value(), f.nodes_lost);
      break;
    case Effect::slow:
      slow_down(s);
      if (trains) stand_still(s, f.switch_over, f.detection.value());
      break;
    case Effect::corrupt: {
      const double delay = -std::log1p(-draw(s, number, "discovery")) * job_.silent_detection.value();
      if (trains) corruptions_.push_back({now_ + delay, saved_, s});
      break;
    }
    case Effect::flap: {
      const Seconds down = job_.flap_shortest + (job_.flap_longest - job_.flap_shortest) * draw(s, number, "flap");
      if (trains) stand_still(s, down, f.detection.value());
      break;
    }
  }
}

void TrainingRun::slow_down(std::size_t s) {
  const FailureStream& f = job_.streams[s];
  if (f.slowdown <= 1 || f.repair.value() <= 0) return;
  const Repair r = {now_ + f.repair.value(), s, 0, f.slowdown};
  repairs_.push(r);
  broken_.push_back(r);
  find_slowdown();
}

/// Waits for the network, or stops when that takes longer than it tries.
void TrainingRun::stand_still(std::size_t s, Seconds down, double detection) {
  if (const auto stall = job_.retry.stall(down)) {
    phase_end_ = std::max(phase_ == Phase::stalled ? phase_end_ : now_, now_ + stall->value());
    phase_ = Phase::stalled;
    blamed_ = s;
  } else {
    stop(s, std::max(detection, job_.retry.budget().value()), 0);
  }
}

void TrainingRun::stop(std::size_t s, double detection, double nodes) {
  ++causes_[s].interruptions;
  go_back(saved_, s);
  const double repair = job_.streams[s].repair.value();
  if (std::isinf(nodes)) {
    blocked_until_ = std::max(blocked_until_, now_ + repair);
    repairs_.push({now_ + repair, s, 0, 1});
  } else if (nodes > 0 && std::isfinite(spares_)) {
    nodes_missing_ += nodes;
    repairs_.push({now_ + repair, s, nodes, 1});
  }
  phase_ = Phase::detecting;
  phase_end_ = now_ + detection;
  blamed_ = s;
}

/// Loses all work after `to`, which is that of a checkpoint.
void TrainingRun::go_back(double to, std::size_t s) {
  const double kept = saved_ - to;
  spent_.useful -= kept;
  spent_.recomputed += kept + worked_ + degraded_ + paused_;
  lose(s, kept + worked_ + paused_);   // what it took longer is put down already to what slowed it
  worked_ = degraded_ = paused_ = 0;
  saved_ = to;
  std::erase_if(corruptions_, [to](const Corruption& c) { return c.safe >= to; });
}

void TrainingRun::begin_restart() {
  if (now_ < blocked_until_ || nodes_missing_ > spares_) {
    phase_ = Phase::waiting;
    return;
  }
  spares_ -= nodes_missing_;
  nodes_missing_ = 0;
  phase_ = Phase::restarting;
  phase_end_ = now_ + job_.restart.value();
}

void TrainingRun::repairs_due() {
  while (!repairs_.empty() && repairs_.top().at <= now_) {
    const Repair r = repairs_.top();
    repairs_.pop();
    spares_ += r.nodes;
    if (r.slowdown > 1) {
      const auto at = std::find_if(broken_.begin(), broken_.end(), [&](const Repair& b) { return b.at == r.at && b.stream == r.stream; });
      if (at != broken_.end()) broken_.erase(at);
      find_slowdown();
    }
  }
  if (phase_ == Phase::waiting) begin_restart();
}

void TrainingRun::find_slowdown() {
  slowdown_ = 1;
  for (const Repair& b : broken_) {
    if (b.slowdown <= slowdown_) continue;
    slowdown_ = b.slowdown;
    slowed_by_ = b.stream;
  }
}

/// The job goes back to before the corruption and starts again without the part that brought it about.
void TrainingRun::corruptions_due() {
  for (;;) {
    const auto due = std::find_if(corruptions_.begin(), corruptions_.end(), [this](const Corruption& c) { return c.noticed_at <= now_; });
    if (due == corruptions_.end()) return;
    const Corruption c = *due;
    corruptions_.erase(due);
    go_back(std::min(c.safe, saved_), c.stream);
    stop(c.stream, 0, job_.streams[c.stream].nodes_lost);
  }
}

}  // namespace weft::workloads::failures
