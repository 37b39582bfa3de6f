#include "workloads/failures/training_run.h"

#include <algorithm>
#include <cmath>

#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::workloads::failures {
namespace {
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kSecondsOfHour = 3600;
}  // namespace

TrainingRun::TrainingRun(const TrainingJob& job, std::uint64_t seed, std::uint64_t replica)
    : job_(job), seed_(seed), replica_(replica), end_(job.duration.value()), interval_(job.interval.value()), pause_(job.pause.value()),
      arrival_(job.streams.size()), number_(job.streams.size(), 0), spares_(job.spares), causes_(job.streams.size()) {
  for (std::size_t s = 0; s < arrival_.size(); ++s) arrival_[s] = gap(s, 0);
}

JobOutcome TrainingRun::run() {
  while (now_ < end_) {
    advance(std::min(end_, next_event()));
    if (now_ >= end_) break;
    repairs_due();
    corruptions_due();
    failures_due();
  }
  spent_.useful += worked_;
  spent_.degraded += degraded_;
  spent_.checkpoints += paused_;
  WEFT_CHECK(std::abs(spent_.total() - end_) <= 1e-6 * end_, "the time of a training job does not add up");
  return {spent_, std::move(causes_)};
}

double TrainingRun::draw(std::size_t stream, std::uint64_t number, const char* what) const {
  core::Draws draws(core::hash_with(seed_, core::hash_name(what)), job_.streams[stream].cause, replica_, number);
  return draws.unit();
}

/// Between failure number - 1 and `number` of a stream, in seconds.
double TrainingRun::gap(std::size_t stream, std::uint64_t number) const {
  if (job_.streams[stream].per_hour <= 0) return kNever;
  const double mean = kSecondsOfHour / job_.streams[stream].per_hour, shape = job_.weibull_shape;
  const double exponential = -std::log1p(-draw(stream, number, "failure"));
  return shape == 1 ? mean * exponential : mean / std::tgamma(1 + 1 / shape) * std::pow(exponential, 1 / shape);
}

double TrainingRun::next_event() const {
  double t = kNever;
  for (const double a : arrival_) t = std::min(t, a);
  if (!repairs_.empty()) t = std::min(t, repairs_.top().at);
  for (const Corruption& c : corruptions_) t = std::min(t, c.noticed_at);
  return t;
}

void TrainingRun::advance(double t) {
  while (now_ < t) {
    switch (phase_) {
      case Phase::training: train(t); break;
      case Phase::stalled: pass(std::min(t, phase_end_), spent_.stalled); break;
      case Phase::detecting: pass(std::min(t, phase_end_), spent_.detection); break;
      case Phase::waiting: pass(t, spent_.waiting); break;
      case Phase::restarting: pass(std::min(t, phase_end_), spent_.restart); break;
    }
    if (phase_ == Phase::training || phase_ == Phase::waiting || now_ < phase_end_) continue;
    if (phase_ == Phase::detecting) begin_restart();
    else phase_ = Phase::training;
  }
}

void TrainingRun::pass(double until, double& account) {
  const double seconds = std::max(0.0, until - now_);
  account += seconds;
  lose(blamed_, seconds);
  now_ = std::max(now_, until);
}

/// Works, pauses for a checkpoint, works.
void TrainingRun::train(double t) {
  while (now_ < t) {
    if (worked_ == 0 && paused_ == 0) whole_cycles(t);
    if (now_ >= t) return;
    if (worked_ < interval_) {
      const double due = (interval_ - worked_) * slowdown_;
      if (now_ + due > t) return work(t - now_);
      work(due);
      worked_ = interval_;
    }
    const double due = pause_ - paused_;
    if (now_ + due > t) return pause(t - now_);
    pause(due);
    commit();
  }
}

/// As many intervals with their checkpoints as end before `t`, in one step: what a run takes does not depend on how often it writes.
void TrainingRun::whole_cycles(double t) {
  const double cycles = std::floor((t - now_) / (interval_ * slowdown_ + pause_));
  if (cycles < 1) return;
  saved_ += cycles * interval_;
  spent_.useful += cycles * interval_;
  spent_.degraded += cycles * interval_ * (slowdown_ - 1);
  if (slowdown_ > 1) lose(slowed_by_, cycles * interval_ * (slowdown_ - 1));
  spent_.checkpoints += cycles * pause_;
  now_ = std::min(t, now_ + cycles * (interval_ * slowdown_ + pause_));
}

void TrainingRun::work(double wall) {
  const double useful = wall / slowdown_;
  worked_ += useful;
  degraded_ += wall - useful;
  if (slowdown_ > 1) lose(slowed_by_, wall - useful);
  now_ += wall;
}

void TrainingRun::pause(double wall) {
  paused_ += wall;
  now_ += wall;
}

void TrainingRun::commit() {
  saved_ += worked_;
  spent_.useful += worked_;
  spent_.degraded += degraded_;
  spent_.checkpoints += paused_;
  worked_ = degraded_ = paused_ = 0;
}

}  // namespace weft::workloads::failures
