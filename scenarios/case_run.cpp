#include "scenarios/case_run.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "scenarios/case_name.h"
#include "scenarios/recorder.h"
#include "sim/analysis/guard.h"
#include "sim/analysis/timeline/traced_program.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::Observe;
using workloads::Outcome;

/// Programs of up to so many operations are held against the guard operation by operation.
constexpr std::size_t kWatchedOperations = 100000;

/// A program walks once for its bound and once for its run, since running consumes it.
analysis::Bound bound_of_trial(const Case& c, std::size_t trial, topology::Router& router, analysis::Ledger& ledger) {
  if (!c.bound_program) return analysis::bound_of(router, *c.program(trial), &ledger);
  return analysis::bound_of(router, *c.bound_program(trial));
}

/// Throws when the run is faster than it can be; an approximate one too, since completions wait for one another and never hurry.
/// Links that change in mid-run may get faster than the bound knows: then nothing is known.
void guard(const RunOptions& options, const engine::Options& engine_options, const analysis::Bound& bound, const analysis::Ledger& ledger, bool watched,
           const topology::Router& router, const workloads::Program& program, const engine::Summary& summary, const Recorder& recorder,
           const std::string& where) {
  if (!engine_options.events.empty()) return;
  analysis::GuardOptions watch;
  watch.sharing = !options.engine.lower_bound;
  std::optional<std::string> wrong;
  if (watched) wrong = analysis::impossible(ledger, router, program.kernels(), {recorder.start(), recorder.finish()}, watch);
  if (!wrong) wrong = analysis::below_bound(bound, summary.makespan, watch);
  if (wrong) throw RunError(fmt::format("{}: {} engine: {}; this is a bug in weft, please report it", where, options.engine.name, *wrong));
}

/// Runs what follows the first program, and holds each against its bound.
void run_rest(const Case& c, std::size_t trial, const Cluster& cluster, const RunOptions& options, const engine::Options& engine_options,
              const std::string& where, analysis::Bound& bound, Outcome& outcome) {
  for (const workloads::Following& next : c.then) {
    topology::Router router(cluster.fabric(), cluster.routing());
    const analysis::Bound least = analysis::bound_of(router, *(next.bound_program ? next.bound_program : next.program)(trial));
    bound.total += least.total;
    bound.busiest_link += least.busiest_link;
    bound.longest_chain += least.longest_chain;
    Recorder recorder(Observe::makespan, false);
    const auto program = next.program(trial);
    const engine::Summary s = options.engine.run(router, *program, engine_options, recorder);
    guard(options, engine_options, least, analysis::Ledger(0), false, router, *program, s, recorder, where);
    outcome.then.push_back(s.makespan);
  }
}

void note_folding(const engine::Summary& s, CaseRows& rows) {
  if (rows.ranks != 0 && s.simulated_ranks <= rows.simulated_ranks) return;
  rows.ranks = s.ranks;
  rows.simulated_ranks = s.simulated_ranks;
}

/// Tells two sinks.
class Both final : public engine::TimelineSink {
 public:
  Both(engine::TimelineSink& a, engine::TimelineSink& b) : a_(a), b_(b) {}
  void started(OpId id, Seconds t) override { a_.started(id, t), b_.started(id, t); }
  void finished(OpId id, Seconds t) override { a_.finished(id, t), b_.finished(id, t); }
  void first_rate(OpId id, std::uint32_t sub_flow, BytesPerSecond rate) override { a_.first_rate(id, sub_flow, rate), b_.first_rate(id, sub_flow, rate); }

 private:
  engine::TimelineSink &a_, &b_;
};

/// Runs a program and draws it.
engine::Summary run_traced(const RunOptions& options, const engine::Options& engine_options, const Cluster& cluster,
                           topology::Router& router, workloads::Program& program, engine::TimelineSink& sink) {
  const Placement placement = cluster.fabric().placement();
  analysis::TracedProgram traced(program, placement, {options.trace->ranks.of(placement.ranks()), options.trace->arrows}, *options.trace->to);
  Both both(sink, traced);
  const engine::Summary s = options.engine.run(router, traced, engine_options, both);
  traced.close();
  if (options.traced != nullptr) {
    options.traced->slices = traced.slices();
    options.traced->processes = traced.processes();
  }
  return s;
}

/// A case that looks at first rates alone stops there; its timeline is that of a run of its own, to the end.
void draw_apart(const RunOptions& options, engine::Options engine_options, const Cluster& cluster, const Case& c) {
  engine_options.stop_after_first_rates = false;
  topology::Router router(cluster.fabric(), cluster.routing());
  engine::TimelineSink nobody;
  run_traced(options, engine_options, cluster, router, *c.program(0), nobody);
}

}  // namespace

std::string label_of(const Case& c) { return labels_text(c.labels.cells()); }

engine::Options engine_options(const RunOptions& options, const Cluster& cluster) {
  engine::Options o;
  o.classes = options.classes;
  o.fold = options.fold;
  o.time_tolerance = options.time_tolerance;
  o.threads = options.threads;
  o.events = cluster.events();
  return o;
}

CaseRows run_case(const Case& c, const Cluster& cluster, const RunOptions& options, const std::string& where) {
  if (c.more_rows && options.engine.own_process) {   // its rows are read off the program that ran
    throw UserError("--engine", "the " + options.engine.name + " engine plays programs in a process of its own, and this workload reads its rows off the program",
                    "--check-against " + options.engine.name + " compares every operation");
  }
  engine::Options engine_options = scenarios::engine_options(options, cluster);
  const bool timed = c.observe != Observe::first_rates;
  engine_options.stop_after_first_rates = !timed;
  CaseRows rows;
  rows.result = c.labels;
  std::vector<Outcome> outcomes;
  double time = 0, least = 0, busiest = 0, chain = 0;   // sums over trials
  for (std::size_t trial = 0; trial < c.trials; ++trial) {
    topology::Router router(cluster.fabric(), cluster.routing());
    analysis::Bound bound;
    analysis::Ledger ledger(timed ? kWatchedOperations : 0);
    if (timed) bound = bound_of_trial(c, trial, router, ledger);
    const auto program = c.program(trial);
    const bool watched = timed && !c.bound_program && ledger.complete();   // a ledger is of the program that runs, or there is none
    Recorder recorder(c.observe, watched);
    engine::Summary s;
    try {
      const bool traced = options.trace != nullptr && trial == 0;
      if (traced && !timed) draw_apart(options, engine_options, cluster, c);
      s = traced && timed ? run_traced(options, engine_options, cluster, router, *program, recorder)
                          : options.engine.run(router, *program, engine_options, recorder);
    } catch (const RunError& error) {
      throw RunError(fmt::format("{}: {}", where, error.what()));
    }
    note_folding(s, rows);
    if (timed) guard(options, engine_options, bound, ledger, watched, router, *program, s, recorder, where);
    outcomes.push_back(recorder.take(s.makespan));
    time += s.makespan.value();
    if (timed) {
      run_rest(c, trial, cluster, options, engine_options, where, bound, outcomes.back());
      for (const Seconds t : outcomes.back().then) time += t.value();
    }
    least += bound.total.value();
    busiest += bound.busiest_link.value();
    chain += bound.longest_chain.value();
  }
  c.fill(outcomes, rows.result);
  if (c.more_rows) rows.more = c.more_rows(outcomes);
  if (!timed) return rows;
  const double microseconds = 1e6 / static_cast<double>(c.trials);
  rows.result.set("bound_us", least * microseconds);
  // Rounding may leave a run that meets its bound a hair below it.
  const double gap = 100 * (time / least - 1);
  if (least > 0) rows.result.set("gap_pct", options.engine.lower_bound ? gap : std::max(0.0, gap));
  rows.bound = c.labels;
  rows.bound.set("busiest_link_us", busiest * microseconds).set("longest_chain_us", chain * microseconds);
  return rows;
}

}  // namespace weft::scenarios
