#include "sim/engine/fluid/run.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/engine/fold/fold.h"
#include "sim/engine/parts/parts.h"

namespace weft::engine {

Summary run(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink) {
  if (options.fold) {
    if (const auto fold = find_fold(router, program, options)) return run_folded(*fold, router, program, options, sink);
  }
  // First rates are those of one moment of the whole program; a change of the fabric is one event, not one for each part.
  if (!options.stop_after_first_rates && options.events.empty()) {
    if (auto parts = program.parts(); parts.size() > 1) return run_parts(router, program, std::move(parts), options, sink);
  }
  return Run(router, program, options, sink).execute();
}

Run::Run(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink,
         const LinkOrbits* orbits)
    : router_(router), program_(program), options_(options), sink_(sink), changes_(options.events),
      keep_transfers_(std::any_of(changes_.begin(), changes_.end(),
                                  [](const FabricEvent& e) { return e.what != FabricEvent::What::capacity; })),
      paths_(router, program.kernels(), orbits), lowering_(router, paths_),
      classes_(paths_, flows_, options.classes, options.events.empty() && options.time_tolerance == 0 && !options.stop_after_first_rates) {
  std::stable_sort(changes_.begin(), changes_.end(), [](const FabricEvent& a, const FabricEvent& b) { return a.at < b.at; });
}

Summary Run::execute() {
  starting_program_ = true;
  program_.start(*this);
  starting_program_ = false;
  for (;;) {
    apply_changes();
    run_instant();
    settle();
    if (options_.stop_after_first_rates && transfers_to_start_ == 0) {
      report_rates();
      makespan_ = now_;
      return summary();
    }
    const double next = next_instant();
    if (!std::isfinite(next)) break;
    now_ = std::max(now_, next);
    limit_ = now_ * (1 + Solver::tolerance);
    ended_flows_.clear();
    const double last = classes_.finish_until(std::max(limit_, window()), ended_flows_);
    if (last > limit_) {
      now_ = last;
      limit_ = now_ * (1 + Solver::tolerance);
    }
    for (const Classes::Finished& f : ended_flows_) {
      ++events_;
      if (options_.stop_after_first_rates) {
        const auto& op = operations_[flows_.owner(f.flow)];
        ended_early_.push_back({op.id, flows_.index(f.flow), f.rate});
      }
      end_flow(f.flow);
    }
    if (alone_) events_ += alone_->finish_until(limit_);
  }
  check_all_done();
  return summary();
}

// How far completions may wait for one another. What they give up is dealt out late, never early, so an approximate run is
// a little slow and never beats its bound.
double Run::window() const {
  double end = now_ * (1 + options_.time_tolerance);
  if (next_change_ < changes_.size()) end = std::min(end, changes_[next_change_].at.value());
  return std::min(end, timers_.next());
}

double Run::next_instant() const {
  double next = std::min(classes_.next_finish(), timers_.next());
  if (alone_) next = std::min(next, alone_->next());
  // A change of the fabric is no reason to go on when there is nothing left that it could change.
  if (next_change_ < changes_.size() && operations_.unfinished() > 0) next = std::min(next, changes_[next_change_].at.value());
  return next;
}

void Run::run_instant() {
  do {
    end_operations();
    start_ready();
    fire_timers();
  } while (!ending_.empty() || !operations_.ready().empty() || (alone_ && alone_->ending()));
}

void Run::start_ready() {
  while (!operations_.ready().empty()) {
    starting_now_.clear();
    starting_now_.swap(operations_.ready());
    const auto moves = [&](std::uint32_t slot) { return operations_[slot].kind != Operations::Kind::timed; };
    const bool one = std::count_if(starting_now_.begin(), starting_now_.end(), moves) == 1;
    for (const std::uint32_t slot : starting_now_) {
      auto& op = operations_[slot];
      if (op.kind == Operations::Kind::batch) {
        start_batch(slot, one);
        continue;
      }
      op.started = true;
      sink_.started(op.id, Seconds(now_));
      if (op.kind == Operations::Kind::transfer) start_flows(slot);
      else timers_.add(now_ + op.duration, {slot, FlowStore::none});
    }
  }
}

void Run::start_flows(std::uint32_t slot) {
  if (keep_transfers_) {
    Kept& k = *kept_[operations_[slot].payload];
    k.first_flow = make_flows(k.transfer, k.legs, slot);
  }
  for (std::uint32_t f = first_flow(slot); f != FlowStore::none; f = flows_.next_of_owner[f]) {
    auto& op = operations_[slot];
    ++op.parts;
    ++op.dormant;
    ++dormant_;
    timers_.add(now_ + flows_.latency(f), {slot, f});
  }
}

std::uint32_t Run::first_flow(std::uint32_t slot) {
  const std::uint32_t payload = operations_[slot].payload;
  return keep_transfers_ ? kept_[payload]->first_flow : payload;
}

void Run::fire_timers() {
  if (alone_) events_ += alone_->begin_until(limit_, now_);
  while (timers_.next() <= limit_) {
    due_.clear();
    timers_.take_next(due_);
    events_ += due_.size();
    for (const Due& d : due_) {
      if (d.flow == FlowStore::none) ending_.emplace_back(operations_[d.slot].id, d.slot);
      else first_byte(d.flow);
    }
  }
}

void Run::first_byte(std::uint32_t flow) {
  --dormant_;
  auto& op = operations_[flows_.owner(flow)];
  if (--op.dormant == 0 && op.from_the_start) --transfers_to_start_;
  const bool unbounded = flows_.pieces(flow).empty() && !std::isfinite(flows_.cap(flow));
  if (flows_.bytes(flow) <= 0 || unbounded) end_flow(flow);
  else {
    if (alone_) interrupt_batch();
    classes_.begin(flow);
  }
}

void Run::end_flow(std::uint32_t flow) {
  const std::uint32_t slot = flows_.owner(flow);
  if (--operations_[slot].parts == 0) ending_.emplace_back(operations_[slot].id, slot);
}

void Run::end_operations() {
  ending_now_.clear();
  ending_now_.swap(ending_);
  std::sort(ending_now_.begin(), ending_now_.end());
  for (const auto& [id, slot] : ending_now_) {
    if (alone_ && alone_->ending() && alone_->first() < id) tell_batch();
    makespan_ = now_;
    sink_.finished(id, Seconds(now_));
    forget(slot);
    program_.on_complete(id, Seconds(now_), *this);
  }
  if (alone_ && alone_->ending()) tell_batch();
}

void Run::forget(std::uint32_t slot) {
  const auto& op = operations_[slot];
  if (op.kind == Operations::Kind::transfer) {
    for (std::uint32_t f = first_flow(slot); f != FlowStore::none;) {
      const std::uint32_t next = flows_.next_of_owner[f];
      release_pieces(f);
      flows_.destroy(f);
      f = next;
    }
    if (keep_transfers_) {
      kept_[op.payload].reset();
      free_kept_.push_back(op.payload);
    }
  }
  operations_.finish(slot);
}

void Run::check_all_done() {
  if (operations_.unfinished() == 0) return;
  open_all_batches();
  std::string text = fmt::format("{} operations never finish: ", operations_.unfinished());
  const auto awaited = operations_.awaited();
  if (!awaited.empty()) {
    text += fmt::format("some wait for operation {}, which the program never emits", awaited.front().value);
  } else if (classes_.moving()) {
    OpId first;
    classes_.for_flows([&](std::uint32_t f) {
      const OpId id = operations_[flows_.owner(f)].id;
      if (!first.valid() || id < first) first = id;
    });
    text += fmt::format("transfer {} crosses a link without capacity", first.value);
  } else {
    text += "they wait for each other";
  }
  throw RunError(text);
}

void Run::report_rates() {
  std::vector<FirstRate> rates = std::move(ended_early_);
  classes_.for_flows([&](std::uint32_t f) {
    rates.push_back({operations_[flows_.owner(f)].id, flows_.index(f), classes_.rate(f)});
  });
  std::sort(rates.begin(), rates.end(), [](const FirstRate& a, const FirstRate& b) {
    return a.id != b.id ? a.id < b.id : a.index < b.index;
  });
  for (const FirstRate& r : rates) sink_.first_rate(r.id, r.index, BytesPerSecond(r.rate));
}

}  // namespace weft::engine
