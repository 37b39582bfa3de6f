#include "scenarios/runner.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/case_run.h"
#include "scenarios/parallel.h"
#include "scenarios/resolve.h"
#include "sim/core/version.h"

namespace weft::scenarios {
namespace {

using workloads::Case;

template <class T>
void append_unique(std::vector<T>& all, std::vector<T> more) {
  for (T& v : more) {
    if (std::find(all.begin(), all.end(), v) == all.end()) all.push_back(std::move(v));
  }
}

void add_new_rows(std::vector<Row>& all, const std::vector<Row>& more) {
  for (const Row& row : more) {
    if (std::none_of(all.begin(), all.end(), [&](const Row& known) { return known.cells() == row.cells(); })) all.push_back(row);
  }
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
  std::vector<Row> rows, bounds, folded;
  std::vector<std::string> labels;
};

/// `traced`: number of the case that is drawn.
WorkloadRows run_workload(const ResolvedVariant& v, const ResolvedWorkload& w, const RunOptions& options, std::optional<std::size_t> traced) {
  WorkloadRows out;
  try {
    if (w.analysis) {
      for (const Row& r : w.analysis->rows(*v.cluster)) out.rows.push_back(named(v, w, r));
    } else {
      topology::Router router(v.cluster->fabric(), v.cluster->routing());
      std::size_t number = 0;
      for (const Case& c : w.workload->cases(v.cluster->view(router))) {
        RunOptions own = options;
        if (number++ != traced) own.trace = nullptr;
        if (own.trace != nullptr && own.traced != nullptr) own.traced->trials = c.trials;
        for (const auto& [name, cell] : c.labels.cells()) append_unique(out.labels, {name});
        const CaseRows rows = run_case(c, *v.cluster, own, fmt::format("{}: {}: {}{}", v.file, w.pointer, w.id, label_of(c)));
        out.rows.push_back(named(v, w, rows.result));
        for (const Row& r : rows.more) out.rows.push_back(named(v, w, r));
        if (!rows.bound.cells().empty()) out.bounds.push_back(named(v, w, rows.bound));
        if (rows.ranks != 0) {
          Row folded;
          folded.set("workload", w.id).set("ranks", std::int64_t{rows.ranks}).set("simulated_ranks", std::int64_t{rows.simulated_ranks});
          out.folded.push_back(std::move(folded));
        }
      }
    }
  } catch (const UserError& e) {
    throw placed(e, v.file, w.pointer);
  }
  return out;
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

/// Labels that stand in the table already keep their meaning.
void add_labels(reports::Table& t, const std::vector<ColumnDoc>& labels) {
  for (const ColumnDoc& label : labels) {
    const bool known = std::any_of(t.label_columns.begin(), t.label_columns.end(), [&](const ColumnDoc& d) { return d.name == label.name; });
    if (!known) t.label_columns.push_back(label);
  }
}

/// Kernel times are repeated with what the user chose.
void tell_kernels(const KernelOptions& options, reports::System& system) {
  system.cost_model = models::to_text(options.cost_model);
  system.calibration_files = options.calibrations;
  system.forced = options.force;
}

/// What a reader of the result has to know about how it was computed.
std::vector<std::string> notes_on(const RunOptions& options) {
  std::vector<std::string> notes;
  if (options.time_tolerance > 0) {
    notes.push_back(fmt::format("approximate: completions closer than {:g} of the time count as one (--time-tolerance)", options.time_tolerance));
  }
  if (options.engine.lower_bound) {
    notes.push_back(fmt::format("the {} engine leaves contention out: no time can be shorter than these, most are longer. Bounds count what shares a link, so these times may lie under them (gap_pct below 0)", options.engine.name));
  }
  return notes;
}

/// A variant's own settings come after --set: whoever changes what variants set has to know that those are as they were.
void warn_of_hidden_settings(const Scenario& scenario, reports::Report& report) {
  const auto list = scenario.document->find("variants");
  if (list == scenario.document->end() || !list->is_array()) return;
  for (const std::string& setting : scenario.changed) {
    const std::string pointer = setting.substr(0, setting.find(" = "));
    std::string names;
    for (const Json& variant : *list) {
      if (!variant.contains("set")) continue;
      const auto hides = [&](const auto& item) { return (item.key() + "/").starts_with(pointer + "/") || (pointer + "/").starts_with(item.key() + "/"); };
      bool hidden = false;
      for (const auto& item : variant["set"].items()) hidden = hidden || hides(item);
      if (hidden) names += (names.empty() ? "\"" : ", \"") + variant.value("name", "") + "\"";
    }
    if (!names.empty()) report.warnings.push_back(fmt::format("--set {} does not wholly reach {}: a variant's own settings come after it", pointer, names));
  }
}

/// What is known before anything runs.
reports::Report empty_report(const Scenario& scenario, const std::vector<ResolvedVariant>& variants, const RunOptions& options) {
  reports::Report report;
  report.title = scenario.title;
  report.question = scenario.question;
  report.source = scenario.source;
  report.input = resolved_input(scenario, variants, options.seed);
  report.system.version = version();
  report.system.seed = options.seed;
  report.system.engine = options.engine.name;
  report.system.time_tolerance = options.time_tolerance;
  report.notes = notes_on(options);
  if (!scenario.changed.empty()) {
    std::string text = "changed by --set (expected values are not checked):";
    for (const std::string& c : scenario.changed) text += " " + c + ";";
    text.back() = '.';
    report.notes.push_back(std::move(text));
  }
  for (const ResolvedVariant& v : variants) report.variants.push_back(v.name);
  warn_of_hidden_settings(scenario, report);
  return report;
}

/// A workload of a variant, and what it came to.
struct Item {
  const ResolvedVariant* variant;
  const ResolvedWorkload* workload;
  WorkloadRows result;
};

/// What runs; of a draw only what it changes.
std::vector<Item> items_of(const std::vector<ResolvedVariant>& variants, const RunOptions& options) {
  std::vector<Item> items;
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (!options.draw || w.cost_model() != nullptr) items.push_back({&v, &w, {}});
    }
  }
  return items;
}

/// Runs all of them, and draws the case that is asked for.
void run(std::vector<Item>& items, const std::vector<ResolvedVariant>& variants, const RunOptions& options) {
  if (options.trace != nullptr && options.engine.own_process) {
    throw UserError("--trace", fmt::format("the {} engine plays the program in a process of its own, where nobody can watch it", options.engine.name), "leave out --trace or --engine");
  }
  const TracedCase drawn = options.trace != nullptr ? choose_traced(variants, *options.trace) : TracedCase();
  if (options.traced != nullptr) options.traced->of = drawn.name;
  // Threads that have no workload of their own help inside an engine.
  const unsigned threads = threads_of(options.jobs);
  RunOptions each = options;
  each.threads = std::max<unsigned>(1, threads / static_cast<unsigned>(std::max<std::size_t>(1, items.size())));
  run_parallel(items.size(), threads, options.progress, [&](std::size_t i) {
    Item& item = items[i];
    const bool traced = item.variant == drawn.variant && item.workload == drawn.workload;
    item.result = run_workload(*item.variant, *item.workload, each, traced ? std::optional(drawn.number) : std::nullopt);
  });
}

void add_rows(Item& item, reports::Table& t, reports::Report& report) {
  split_labels(t, item.result.labels);
  if (item.workload->analysis) add_labels(t, item.workload->analysis->labels());
  for (Row& r : item.result.rows) t.rows.push_back(std::move(r));
  for (Row& r : item.result.bounds) report.bounds.push_back(std::move(r));
  add_new_rows(report.system.folded, item.result.folded);
}

/// Constants, notes and warnings of what ran.
void add_facts(const Item& item, const RunOptions& options, reports::Report& report) {
  const Cluster& cluster = *item.variant->cluster;
  append_unique(report.constants, cluster.constants());
  if (const auto& workload = item.workload->workload) {
    append_unique(report.constants, workload->constants());
    append_unique(report.notes, workload->notes());
    append_unique(report.warnings, workload->warnings());
  }
  if (item.workload->cost_model() != nullptr) tell_kernels(options.kernels, report.system);
  if (const auto& analysis = item.workload->analysis) {
    append_unique(report.constants, analysis->constants(cluster));
    append_unique(report.notes, analysis->notes(cluster));
    append_unique(report.warnings, analysis->warnings());
    if (cluster.has_events()) append_unique(report.notes, {fmt::format("{} looks at the network as it starts, not at its events", item.workload->id)});
  }
}

}  // namespace

reports::Report run_scenario(const Scenario& scenario, const DataPlaces& data, const RunOptions& options) {
  const auto kernels = options.kernel_times ? options.kernel_times : std::make_shared<const KernelTimes>(data, options.kernels);
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, options.seed, kernels.get(), options.draw);
  for (const ResolvedVariant& v : variants) {   // a part that a variant does not have is told before others have run for minutes
    if (!v.cluster->failed().empty()) v.cluster->fabric();
    if (v.cluster->has_events()) v.cluster->events();
  }
  reports::Report report = empty_report(scenario, variants, options);
  std::vector<Item> items = items_of(variants, options);
  run(items, variants, options);
  std::map<std::string, std::size_t> table_of;
  for (Item& item : items) {
    const auto [at, fresh] = table_of.try_emplace(item.workload->id, report.tables.size());
    if (fresh) report.tables.push_back(empty_table(*item.workload));
    add_rows(item, report.tables[at->second], report);
    add_facts(item, options, report);
  }
  append_unique(report.notes, report.warnings);
  for (const ConstantUsed& c : report.constants) {
    // "kernel deepep_normal: nic_rate": what stands before the colon is a calibration when something in it was fitted.
    if (c.origin == Origin::fitted) append_unique(report.system.calibrations, {c.name.substr(0, c.name.find(':'))});
  }
  return report;
}

Plan plan_scenario(const Scenario& scenario, const DataPlaces& data, std::uint64_t seed, const KernelOptions& kernels) {
  const KernelTimes times(data, kernels);
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, seed, &times);
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

void require_same_input(const Scenario& scenario, const DataPlaces& data, const KernelOptions& kernels) {
  if (!scenario.digest || !scenario.changed.empty()) return;
  const Plan plan = plan_scenario(scenario, data, scenario.seed.value_or(1), kernels);
  const std::string now = (*plan.input)["digest"].get<std::string>();
  if (now == *scenario.digest) return;
  throw UserError(scenario.file + ": /input/digest", fmt::format("this result was computed from another input: its digest is {}, and the same scenario gives {} now", *scenario.digest, now),
                  "data files or weft have changed since: run it again (weft run FILE -o NEW.json) and use the new result");
}

}  // namespace weft::scenarios
