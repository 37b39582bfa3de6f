#include "scenarios/runner.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/resolve.h"
#include "sim/analysis/bound.h"
#include "sim/core/version.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::Observe;
using workloads::Outcome;

template <class T>
void append_unique(std::vector<T>& all, std::vector<T> more) {
  for (T& v : more) {
    if (std::find(all.begin(), all.end(), v) == all.end()) all.push_back(std::move(v));
  }
}

/// Keeps what a case asked to see.
class Recorder final : public engine::TimelineSink {
 public:
  explicit Recorder(Observe what) : what_(what) {}

  void started(OpId id, Seconds t) override {
    if (what_ == Observe::op_times) put(out.start, id, t);
  }
  void finished(OpId id, Seconds t) override {
    if (what_ == Observe::op_times) put(out.finish, id, t);
  }
  void first_rate(OpId id, std::uint32_t sub_flow, BytesPerSecond rate) override {
    if (what_ != Observe::first_rates) return;
    put(out.first_rate, id, rate + (id.value < out.first_rate.size() ? out.first_rate[id.value] : BytesPerSecond(0)));
    const double flows = sub_flow + 1;
    if (flows_.size() <= id.value) flows_.resize(id.value + 1, 0);
    flows_[id.value] = std::max(flows_[id.value], flows);
    put(slowest_, id, flows_[id.value] == 1 || slowest_.size() <= id.value || rate < slowest_[id.value] ? rate : slowest_[id.value]);
  }

  /// To be called once, after the run.
  Outcome take() {
    out.first_slowest.resize(slowest_.size());
    for (std::size_t i = 0; i < slowest_.size(); ++i) out.first_slowest[i] = slowest_[i] * flows_[i];
    return std::move(out);
  }

  Outcome out;

 private:
  template <class Q>
  static void put(std::vector<Q>& list, OpId id, Q v) {
    if (list.size() <= id.value) list.resize(id.value + 1);
    list[id.value] = v;
  }

  Observe what_;
  std::vector<BytesPerSecond> slowest_;
  std::vector<double> flows_;
};

/// Adds file, and the workload's place to places that are relative to it.
UserError placed(const UserError& e, const std::string& file, const std::string& pointer) {
  std::vector<Problem> problems = e.problems();
  for (Problem& p : problems) {
    if (p.file.empty()) p.file = file;
    if (!p.place.starts_with("/cluster") && !p.place.starts_with("/workload")) p.place = pointer + p.place;
  }
  return UserError(std::move(problems));
}

/// A program walks once for its bound and once for its run, since running consumes it.
analysis::Bound bound_of_trial(const Case& c, std::size_t trial, topology::Router& router) {
  const auto program = c.program(trial);
  return analysis::bound_of(router, *program);
}

/// The rows of one case: its result, and the terms of its bound (empty when it has no time).
struct CaseRows {
  Row result, bound;
};

CaseRows run_case(const Case& c, const Cluster& cluster, const RunOptions& options, const std::string& where) {
  engine::Options engine_options;
  engine_options.classes = options.classes;
  engine_options.stop_after_first_rates = c.observe == Observe::first_rates;
  engine_options.events = cluster.events();
  std::vector<Outcome> outcomes;
  double time = 0, least = 0, busiest = 0, chain = 0;   // sums over trials
  for (std::size_t trial = 0; trial < c.trials; ++trial) {
    topology::Router router(cluster.fabric(), cluster.routing());
    analysis::Bound bound;
    if (c.observe != Observe::first_rates) bound = bound_of_trial(c, trial, router);
    const double trial_least = bound.total.value();
    const auto program = c.program(trial);
    Recorder recorder(c.observe);
    const engine::Summary s = engine::run(router, *program, engine_options, recorder);
    recorder.out.makespan = s.makespan;
    outcomes.push_back(recorder.take());
    // Links that change in mid-run may get faster than the bound knows; only then may a run lie under it.
    if (s.makespan.value() < trial_least * (1 - 1e-9) && engine_options.events.empty()) {
      throw RunError(fmt::format("{}: the result {:.9g} us lies under its bound {:.9g} us; this is a bug in weft, please report it",
                                 where, s.makespan.value() * 1e6, trial_least * 1e6));
    }
    time += s.makespan.value();
    least += trial_least;
    busiest += bound.busiest_link.value();
    chain += bound.longest_chain.value();
  }
  CaseRows rows{c.labels, {}};
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

/// The row with the variant and the workload in front.
Row named(const ResolvedVariant& v, const ResolvedWorkload& w, const Row& row) {
  Row out;
  out.set("variant", v.name).set("workload", w.id);
  for (const auto& [name, cell] : row.cells()) out.set(name, cell);
  return out;
}

/// What one workload of one variant gave, and which of the columns are labels.
struct WorkloadRows {
  std::vector<Row> rows, bounds;
  std::vector<std::string> labels;
};

WorkloadRows run_workload(const ResolvedVariant& v, const ResolvedWorkload& w, const RunOptions& options) {
  WorkloadRows out;
  try {
    if (w.analysis) {
      for (const Row& r : w.analysis->rows(*v.cluster)) out.rows.push_back(named(v, w, r));
    } else {
      topology::Router router(v.cluster->fabric(), v.cluster->routing());
      for (const Case& c : w.workload->cases(v.cluster->view(router))) {
        for (const auto& [name, cell] : c.labels.cells()) append_unique(out.labels, {name});
        const CaseRows rows = run_case(c, *v.cluster, options, fmt::format("{}: {}", v.file, w.pointer));
        out.rows.push_back(named(v, w, rows.result));
        if (!rows.bound.cells().empty()) out.bounds.push_back(named(v, w, rows.bound));
      }
    }
  } catch (const UserError& e) {
    throw placed(e, v.file, w.pointer);
  }
  return out;
}

/// Runs tasks 0..n-1 on threads; the first failure by index is rethrown, so that errors do not depend on timing.
template <class Task>
void run_parallel(std::size_t n, const RunOptions& options, Task task) {
  std::vector<std::exception_ptr> failures(n);
  std::atomic<std::size_t> next{0};
  std::mutex telling;
  std::size_t done = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < n; i = next++) {
      try {
        task(i);
      } catch (...) {
        failures[i] = std::current_exception();
      }
      const std::lock_guard lock(telling);
      ++done;
      if (options.progress) options.progress(done, n);
    }
  };
  const std::size_t wanted = options.jobs != 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::jthread> threads;
  for (std::size_t t = 1; t < std::min(wanted, n); ++t) threads.emplace_back(work);
  work();
  threads.clear();
  for (const auto& f : failures) {
    if (f) std::rethrow_exception(f);
  }
}

/// The table of a workload without rows yet.
reports::Table empty_table(const ResolvedWorkload& w) {
  reports::Table t;
  t.id = w.id;
  t.kind = w.kind ? w.kind->name : w.analysis_kind->name;
  t.title = w.kind ? w.kind->title : w.analysis_kind->title;
  if (w.analysis_kind) {
    t.label_columns = w.analysis_kind->label_columns;
    t.columns = w.analysis_kind->columns;
    return t;
  }
  t.columns = w.kind->columns;
  t.columns.push_back({"bound_us", "no schedule on this fabric can be faster: bytes over the busiest link, or the longest chain (mean over trials)"});
  t.columns.push_back({"gap_pct", "how far the simulated time lies above the bound"});
  return t;
}

/// Moves the documentation of label columns to where labels are documented.
void split_labels(reports::Table& t, const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    const auto at = std::find_if(t.columns.begin(), t.columns.end(), [&](const ColumnDoc& d) { return d.name == label; });
    if (at == t.columns.end()) continue;
    t.label_columns.push_back(*at);
    t.columns.erase(at);
  }
}

}  // namespace

reports::Report run_scenario(const Scenario& scenario, const DataPlaces& data, const RunOptions& options) {
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, options.seed);
  reports::Report report;
  report.title = scenario.title;
  report.question = scenario.question;
  report.source = scenario.source;
  report.input = resolved_input(scenario, variants, options.seed);
  report.system = {std::string(version()), options.seed, "fluid", {}};

  if (!scenario.changed.empty()) {
    std::string text = "changed by --set (expected values are not checked):";
    for (const std::string& c : scenario.changed) text += " " + c + ";";
    text.back() = '.';
    report.notes.push_back(std::move(text));
  }
  struct Item { const ResolvedVariant* variant; const ResolvedWorkload* workload; WorkloadRows result; };
  std::vector<Item> items;
  for (const ResolvedVariant& v : variants) {
    report.variants.push_back(v.name);
    for (const ResolvedWorkload& w : v.workloads) items.push_back({&v, &w, {}});
  }
  run_parallel(items.size(), options, [&](std::size_t i) { items[i].result = run_workload(*items[i].variant, *items[i].workload, options); });

  std::map<std::string, std::size_t> table_of;
  for (Item& item : items) {
    const auto [at, fresh] = table_of.try_emplace(item.workload->id, report.tables.size());
    if (fresh) report.tables.push_back(empty_table(*item.workload));
    reports::Table& t = report.tables[at->second];
    split_labels(t, item.result.labels);
    for (Row& r : item.result.rows) t.rows.push_back(std::move(r));
    for (Row& r : item.result.bounds) report.bounds.push_back(std::move(r));
    append_unique(report.constants, item.variant->cluster->constants());
    if (item.workload->workload) append_unique(report.constants, item.workload->workload->constants());
    if (item.workload->analysis) {
      append_unique(report.constants, item.workload->analysis->constants(*item.variant->cluster));
      append_unique(report.notes, item.workload->analysis->notes(*item.variant->cluster));
      if (item.variant->cluster->has_events()) append_unique(report.notes, {fmt::format("{} looks at the network as it starts, not at its events", item.workload->id)});
    }
  }
  for (const ConstantUsed& c : report.constants) {
    // "kernel deepep_normal: nic_rate": what stands before the colon is a calibration when something in it was fitted.
    if (c.origin == Origin::fitted) append_unique(report.system.calibrations, {c.name.substr(0, c.name.find(':'))});
  }
  return report;
}

Plan plan_scenario(const Scenario& scenario, const DataPlaces& data, std::uint64_t seed) {
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, seed);
  Plan plan;
  plan.input = resolved_input(scenario, variants, seed);
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      Row r;
      r.set("variant", v.name).set("workload", w.id).set("kind", w.kind ? w.kind->name : w.analysis_kind->name);
      r.set("topology", v.cluster->topology().kind()).set("gpus", v.cluster->nodes() * v.cluster->node().gpus);
      std::int64_t runs = 1;
      if (w.workload) {
        try {
          topology::Router router(v.cluster->fabric(), v.cluster->routing());
          runs = 0;
          for (const Case& c : w.workload->cases(v.cluster->view(router))) runs += static_cast<std::int64_t>(c.trials);
        } catch (const UserError& e) {
          throw placed(e, v.file, w.pointer);
        }
      }
      plan.rows.push_back(std::move(r.set("runs", runs)));
    }
  }
  return plan;
}

}  // namespace weft::scenarios
