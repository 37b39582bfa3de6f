#include "scenarios/check_against.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "scenarios/case_run.h"
#include "scenarios/parallel.h"
#include "scenarios/resolve.h"
#include "workloads/pair_program.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::PairProgram;

constexpr double unset = std::numeric_limits<double>::quiet_NaN();

/// When each operation of the program inside a PairProgram started and finished; an id that never came stays unset.
class PairTimes final : public engine::TimelineSink {
 public:
  void started(OpId id, Seconds t) override {
    if (PairProgram::role(id) == PairProgram::Role::whole) put_first(start, id, t);
  }
  void finished(OpId id, Seconds t) override {
    // A head ends when the transfer that it leads starts; the marker of that transfer only ends it.
    if (PairProgram::role(id) == PairProgram::Role::head) put_first(start, id, t);
    if (PairProgram::role(id) == PairProgram::Role::whole) put_first(finish, id, t);
  }
  std::vector<double> start, finish;

 private:
  static void put_first(std::vector<double>& list, OpId id, Seconds t) {
    const std::uint32_t i = PairProgram::original(id).value;
    if (list.size() <= i) list.resize(i + 1, unset);
    if (std::isnan(list[i])) list[i] = t.value();
  }
};

/// What one case showed; deviations are the largest over its trials.
struct Compared {
  std::int64_t operations = 0;
  double start = 0, finish = 0;
  std::uint32_t worst_operation = 0;
  double pair_time = 0, reference_time = 0, node_time = 0;   // means over trials; node_time 0: not possible
  double worst() const { return std::max(start, finish); }
};

/// Signs of `later` and `earlier` say which way of differing counts.
class Comparer {
 public:
  Comparer(const engine::EngineKind& engine, const engine::EngineKind& reference)
      : if_later_(!reference.lower_bound || engine.lower_bound), if_earlier_(!engine.lower_bound || reference.lower_bound) {}

  /// `a` is the engine, `b` the reference; in parts of `finish`.
  double deviation(double a, double b, double finish) const {
    const double by = a > b ? (if_later_ ? a - b : 0) : (if_earlier_ ? b - a : 0);
    return by == 0 ? 0 : by / finish;
  }

 private:
  bool if_later_, if_earlier_;
};

class Checker {
 public:
  Checker(const Cluster& cluster, const RunOptions& options, const engine::EngineKind& reference)
      : cluster_(cluster), engine_(options.engine), reference_(reference), options_(engine_options(options, cluster)),
        comparer_(engine_, reference_) {}

  Compared check(const Case& c, const std::string& where) const {
    Compared out;
    const double part = 1 / static_cast<double>(c.trials);
    for (std::size_t trial = 0; trial < c.trials; ++trial) {
      PairTimes mine, other;
      out.pair_time += part * run(engine_, *workloads::pair_program(c.program(trial)), mine);
      out.reference_time += part * run(reference_, *workloads::pair_program(c.program(trial)), other);
      compare(mine, other, where, out);
    }
    out.node_time = node_time(c);
    return out;
  }

 private:
  double run(const engine::EngineKind& engine, workloads::Program& program, engine::TimelineSink& sink) const {
    topology::Router router(cluster_.fabric(), cluster_.routing());
    return engine.run(router, program, options_, sink).makespan.value();
  }

  double node_time(const Case& c) const {
    double sum = 0;
    engine::TimelineSink nothing;
    try {
      for (std::size_t trial = 0; trial < c.trials; ++trial) sum += run(engine_, *c.program(trial), nothing);
    } catch (const UserError&) {   // an engine that knows granularity `pair` alone
      return 0;
    }
    return sum / static_cast<double>(c.trials);
  }

  void compare(const PairTimes& mine, const PairTimes& other, const std::string& where, Compared& out) const {
    const auto done = [](const PairTimes& t) {
      return std::count_if(t.finish.begin(), t.finish.end(), [](double f) { return !std::isnan(f); });
    };
    if (done(mine) != done(other)) {
      throw RunError(fmt::format("{}: the {} engine finished {} operations, the {} engine {}", where, engine_.name, done(mine), reference_.name, done(other)));
    }
    for (std::uint32_t i = 0; i < mine.finish.size(); ++i) {
      if (std::isnan(mine.finish[i])) continue;
      if (i >= other.finish.size() || std::isnan(other.finish[i]) || std::isnan(mine.start[i]) || std::isnan(other.start[i])) {
        throw RunError(fmt::format("{}: operation {} is not told by both engines, {} and {}", where, i, engine_.name, reference_.name));
      }
      ++out.operations;
      const double scale = std::max(mine.finish[i], other.finish[i]);
      const double start = comparer_.deviation(mine.start[i], other.start[i], scale);
      const double finish = comparer_.deviation(mine.finish[i], other.finish[i], scale);
      if (std::max(start, finish) > out.worst()) out.worst_operation = i;
      out.start = std::max(out.start, start);
      out.finish = std::max(out.finish, finish);
    }
  }

  const Cluster& cluster_;
  const engine::EngineKind& engine_;
  const engine::EngineKind& reference_;
  engine::Options options_;
  Comparer comparer_;
};

reports::Table empty_table(const engine::EngineKind& engine, const engine::EngineKind& reference) {
  reports::Table t;
  t.id = "check";
  const bool bound = engine.lower_bound || reference.lower_bound;
  t.title = bound ? fmt::format("{} and {}: whether the one without contention is ever later", engine.name, reference.name)
                  : fmt::format("{} against {}: every operation's start and finish", engine.name, reference.name);
  const std::string what = bound ? "by how much the engine without contention is later at most" : "largest difference";
  t.label_columns = {{"variant", "variant of the scenario"}, {"workload", "id of the workload"}};
  t.columns = {{"operations", "operations compared, over all trials"},
               {"start_deviation", what + " at a start, in parts of the operation's finish"},
               {"finish_deviation", what + " at a finish, in parts of it"},
               {"worst_operation", "id of the operation where it is largest"},
               {"time_us", "until the last finish on " + engine.name + ", with transfers taken apart into plain flows (mean over trials)"},
               {"reference_us", "the same on " + reference.name},
               {"pair_vs_node_pct", "what taking transfers apart changes: time_us against the time with whole ones"}};
  return t;
}

Row row_of(const ResolvedVariant& v, const ResolvedWorkload& w, const Case& c, const Compared& x) {
  Row r;
  r.set("variant", v.name).set("workload", w.id);
  for (const auto& [name, cell] : c.labels.cells()) r.set(name, cell);
  r.set("operations", x.operations).set("start_deviation", x.start).set("finish_deviation", x.finish);
  if (x.worst() > 0) r.set("worst_operation", std::int64_t{x.worst_operation});
  r.set("time_us", x.pair_time * 1e6).set("reference_us", x.reference_time * 1e6);
  if (x.node_time > 0) r.set("pair_vs_node_pct", 100 * (x.pair_time / x.node_time - 1));
  return r;
}

void add_label_docs(reports::Table& t, const ResolvedWorkload& w, const Case& c) {
  for (const auto& [name, cell] : c.labels.cells()) {
    const auto named = [&](const ColumnDoc& d) { return d.name == name; };
    if (std::any_of(t.label_columns.begin(), t.label_columns.end(), named)) continue;
    const auto doc = std::find_if(w.kind->columns.begin(), w.kind->columns.end(), named);
    t.label_columns.push_back({name, doc == w.kind->columns.end() ? "" : doc->text});
  }
}

}  // namespace

CheckResult check_against(const Scenario& scenario, const DataPlaces& data, const RunOptions& options, const engine::EngineKind& reference) {
  if (options.engine.name == reference.name) {
    throw UserError("--check-against", fmt::format("the {} engine is what runs, so it cannot be the check", reference.name), "name another one, or run another one with --engine");
  }
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, options.seed);
  struct Item { const ResolvedVariant* variant; const ResolvedWorkload* workload; std::vector<std::pair<Case, Compared>> cases; };
  std::vector<Item> items;
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (w.workload) items.push_back({&v, &w, {}});
    }
  }
  run_parallel(items.size(), threads_of(options.jobs), options.progress, [&](std::size_t i) {
    Item& item = items[i];
    const ResolvedVariant& v = *item.variant;
    try {
      topology::Router router(v.cluster->fabric(), v.cluster->routing());
      const Checker checker(*v.cluster, options, reference);
      for (Case& c : item.workload->workload->cases(v.cluster->view(router))) {
        const Compared compared = checker.check(c, fmt::format("{}: {}{}", v.file, item.workload->id, label_of(c)));
        item.cases.emplace_back(std::move(c), compared);
      }
    } catch (const UserError& e) {
      throw placed(e, v.file, item.workload->pointer);
    }
  });
  CheckResult out;
  reports::Table table = empty_table(options.engine, reference);
  for (const Item& item : items) {
    for (const auto& [c, compared] : item.cases) {
      ++out.cases;
      add_label_docs(table, *item.workload, c);
      table.rows.push_back(row_of(*item.variant, *item.workload, c, compared));
      if (compared.worst() <= out.worst && !out.worst_case.empty()) continue;
      out.worst = compared.worst();
      out.worst_case = fmt::format("{}/{}{}", item.variant->name, item.workload->id, label_of(c));
    }
  }
  out.listing.tables.push_back(std::move(table));
  return out;
}

}  // namespace weft::scenarios
