#include "sim/engine/closed_form/closed_form.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/engine/closed_form/alone.h"
#include "sim/engine/engines.h"
#include "sim/engine/fluid/operations.h"
#include "sim/engine/fluid/timers.h"

namespace weft::engine {
namespace {

/// Operations that may start are due after their own time; what ends at one instant is told in order of id.
class ClosedForm final : private workloads::Sink {
 public:
  ClosedForm(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink)
      : program_(program), options_(options), sink_(sink), alone_(router, program.kernels()) {}

  Summary execute() {
    starting_program_ = true;
    program_.start(*this);
    starting_program_ = false;
    for (;;) {
      start_ready();
      if (options_.stop_after_first_rates && transfers_to_start_ == 0) {
        tell_first_rates();
        break;
      }
      if (!std::isfinite(timers_.next())) break;
      now_ = timers_.next();
      end_due();
    }
    if (!options_.stop_after_first_rates && operations_.unfinished() > 0) throw never_done();
    return summary_;
  }

 private:
  /// A transfer's rates by sub-flow, kept until they are told.
  struct FirstRates {
    OpId id;
    double first_byte;
    std::vector<double> rates;
    bool from_the_start;
  };

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override {
    WEFT_CHECK(std::isfinite(t.bytes.value()) && t.bytes.value() >= 0, fmt::format("transfer {} has no valid size", t.id.value));
    const double seconds = alone_.seconds(t);
    if (!std::isfinite(seconds)) throw RunError(fmt::format("transfer {} crosses a link without capacity", t.id.value));
    const std::uint32_t slot = emit(t.id, seconds, after, {});
    summary_.flows += alone_.flows();
    if (!options_.stop_after_first_rates) return;
    operations_[slot].payload = static_cast<std::uint32_t>(first_rates_.size());
    const auto rates = t.bytes.value() > 0 ? alone_.rates() : std::span<const double>();
    first_rates_.push_back({t.id, alone_.latency(), {rates.begin(), rates.end()}, starting_program_});
    if (starting_program_) ++transfers_to_start_;
  }

  void compute(const workloads::Compute& c, std::span<const OpId> after) override { emit(c.id, c.duration.value(), after, c.stream); }

  void marker(OpId id, Seconds delay, std::span<const OpId> after) override { emit(id, delay.value(), after, {}); }

  std::uint32_t emit(OpId id, double seconds, std::span<const OpId> after, StreamId stream) {
    WEFT_CHECK(std::isfinite(seconds) && seconds >= 0, fmt::format("operation {} has no valid duration", id.value));
    const std::uint32_t slot = operations_.emit(id, Operations::Kind::timed, after, stream);
    operations_[slot].duration = seconds;
    ++summary_.operations;
    return slot;
  }

  void start_ready() {
    for (const std::uint32_t slot : operations_.ready()) {
      const auto& op = operations_[slot];
      sink_.started(op.id, Seconds(now_));
      timers_.add(now_ + op.duration, slot);
      if (op.payload == Operations::none) continue;
      FirstRates& f = first_rates_[op.payload];
      f.first_byte += now_;
      begun_.push_back(op.payload);
      if (f.from_the_start) --transfers_to_start_;
    }
    operations_.ready().clear();
  }

  void end_due() {
    ending_.clear();
    while (timers_.next() == now_) timers_.take_next(ending_);
    std::sort(ending_.begin(), ending_.end(), [&](std::uint32_t a, std::uint32_t b) { return operations_[a].id < operations_[b].id; });
    summary_.makespan = Seconds(now_);
    summary_.events += ending_.size();
    for (const std::uint32_t slot : ending_) {
      const OpId id = operations_[slot].id;
      sink_.finished(id, Seconds(now_));
      operations_.finish(slot);
      program_.on_complete(id, Seconds(now_), *this);
    }
  }

  /// As of the moment at which every transfer of the start has moved its first byte.
  void tell_first_rates() {
    std::sort(begun_.begin(), begun_.end(), [&](std::uint32_t a, std::uint32_t b) { return first_rates_[a].id < first_rates_[b].id; });
    double at = now_;
    for (const std::uint32_t b : begun_) {
      if (first_rates_[b].from_the_start) at = std::max(at, first_rates_[b].first_byte);
    }
    for (const std::uint32_t b : begun_) {
      const FirstRates& f = first_rates_[b];
      for (std::uint32_t q = 0; q < f.rates.size(); ++q) sink_.first_rate(f.id, q, BytesPerSecond(f.rates[q]));
    }
    summary_.makespan = Seconds(at);
  }

  RunError never_done() const {
    const auto awaited = operations_.awaited();
    const std::string text = fmt::format("{} operations never finish: ", operations_.unfinished());
    if (awaited.empty()) return RunError(text + "they wait for each other");
    return RunError(text + fmt::format("some wait for operation {}, which the program never emits", awaited.front().value));
  }

  workloads::Program& program_;
  const Options& options_;
  TimelineSink& sink_;
  Alone alone_;
  Operations operations_;
  Timers<std::uint32_t> timers_;     // slots
  std::vector<std::uint32_t> ending_, begun_;
  std::vector<FirstRates> first_rates_;
  std::uint64_t transfers_to_start_ = 0;
  bool starting_program_ = false;
  double now_ = 0;
  Summary summary_;
};

}  // namespace

Summary run_closed_form(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink) {
  if (!options.events.empty()) {
    throw UserError("/cluster/events", "the closed-form engine knows no changes of the network in mid-run", "use --engine fluid, or leave the events out");
  }
  return ClosedForm(router, program, options, sink).execute();
}

EngineKind closed_form_engine() {
  return {"closed-form", "Latency plus bytes over the narrowest link, without contention",
          "What each operation takes at least, along dependencies and streams: a lower bound on the other engines, at once.",
          run_closed_form, true};
}

}  // namespace weft::engine
