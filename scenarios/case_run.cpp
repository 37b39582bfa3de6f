#include "scenarios/case_run.h"

#include <algorithm>

#include <fmt/format.h>

#include "scenarios/recorder.h"
#include "sim/analysis/bound.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::Observe;
using workloads::Outcome;

/// A program walks once for its bound and once for its run, since running consumes it.
analysis::Bound bound_of_trial(const Case& c, std::size_t trial, topology::Router& router) {
  const auto program = c.program(trial);
  return analysis::bound_of(router, *program);
}

void note_folding(const engine::Summary& s, CaseRows& rows) {
  if (rows.ranks != 0 && s.simulated_ranks <= rows.simulated_ranks) return;
  rows.ranks = s.ranks;
  rows.simulated_ranks = s.simulated_ranks;
}

}  // namespace

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
  engine::Options engine_options = scenarios::engine_options(options, cluster);
  engine_options.stop_after_first_rates = c.observe == Observe::first_rates;
  CaseRows rows{c.labels, {}};
  std::vector<Outcome> outcomes;
  double time = 0, least = 0, busiest = 0, chain = 0;   // sums over trials
  for (std::size_t trial = 0; trial < c.trials; ++trial) {
    topology::Router router(cluster.fabric(), cluster.routing());
    analysis::Bound bound;
    if (c.observe != Observe::first_rates) bound = bound_of_trial(c, trial, router);
    const double trial_least = bound.total.value();
    const auto program = c.program(trial);
    Recorder recorder(c.observe, false);
    const engine::Summary s = options.engine.run(router, *program, engine_options, recorder);
    outcomes.push_back(recorder.take(s.makespan));
    note_folding(s, rows);
    // Links that change in mid-run may get faster than the bound knows; only then may a run lie under it.
    if (s.makespan.value() < trial_least * (1 - 1e-9) && engine_options.events.empty() && !options.engine.lower_bound) {
      throw RunError(fmt::format("{}: the result {:.9g} us lies under its bound {:.9g} us; this is a bug in weft, please report it",
                                 where, s.makespan.value() * 1e6, trial_least * 1e6));
    }
    time += s.makespan.value();
    least += trial_least;
    busiest += bound.busiest_link.value();
    chain += bound.longest_chain.value();
  }
  c.fill(outcomes, rows.result);
  if (c.observe == Observe::first_rates) return rows;
  const double microseconds = 1e6 / static_cast<double>(c.trials);
  rows.result.set("bound_us", least * microseconds);
  // Rounding may leave a run that meets its bound a hair below it.
  if (least > 0) rows.result.set("gap_pct", std::max(0.0, 100 * (time / least - 1)));
  rows.bound = c.labels;
  rows.bound.set("busiest_link_us", busiest * microseconds).set("longest_chain_us", chain * microseconds);
  return rows;
}

}  // namespace weft::scenarios
