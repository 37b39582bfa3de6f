#include "sim/cli/execute.h"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/compare.h"
#include "reports/headline.h"
#include "scenarios/headline.h"
#include "scenarios/studies/uncertainty.h"
#include "sim/core/error.h"

namespace weft::cli {

namespace {

std::uint64_t seed_of(const scenarios::Scenario& scenario, const ScenarioOptions& options) {
  return options.seed.value_or(scenario.seed.value_or(1));
}

}  // namespace

void apply(const EngineOptions& options, scenarios::RunOptions& run) {
  if (!options.engine.empty()) run.engine = engine::engine_named(options.engine);
  if (options.no_classes) run.classes = false;
  if (options.no_fold) run.fold = false;
  if (options.time_tolerance) run.time_tolerance = *options.time_tolerance;
}

void apply(const KernelTimeOptions& options, scenarios::KernelOptions& kernels) {
  if (!options.cost_model.empty()) kernels.cost_model = models::fidelity_named(options.cost_model, "--cost-model");
  for (const std::string& c : options.calibrations) scenarios::read_calibration_at(c, DataPlaces::standard(), "--calibration");
  if (!options.calibrations.empty()) kernels.calibrations = options.calibrations;
  kernels.force = kernels.force || options.force;
}

namespace {

scenarios::KernelOptions kernel_options(const scenarios::Scenario& scenario, const ScenarioOptions& options) {
  scenarios::KernelOptions kernels;
  if (scenario.cost_model) kernels.cost_model = models::fidelity_named(*scenario.cost_model, "/system/cost_model");
  kernels.calibrations = scenario.calibrations;
  kernels.force = scenario.force;
  apply(options.kernels, kernels);
  return kernels;
}

}  // namespace

scenarios::RunOptions run_options(const scenarios::Scenario& scenario, const ScenarioOptions& options) {
  scenarios::RunOptions run;
  run.seed = seed_of(scenario, options);
  run.jobs = options.jobs;
  if (scenario.engine) run.engine = engine::engine_named(*scenario.engine, "/system/engine");
  if (scenario.time_tolerance) run.time_tolerance = *scenario.time_tolerance;
  apply(options.engine, run);
  run.kernels = kernel_options(scenario, options);
  if (run.time_tolerance > 0 && run.engine.name != engine::engine_kinds().front().name) {
    throw UserError("--time-tolerance", fmt::format("the {} engine has none", run.engine.name),
                    fmt::format("leave it out, or use the {} engine", engine::engine_kinds().front().name));
  }
  return run;
}

reports::Report execute(const scenarios::Scenario& scenario, const Common& common, const ScenarioOptions& options, std::size_t draws,
                        TraceOutput* trace) {
  const auto begin = std::chrono::steady_clock::now();
  reports::Report report;
  {
    Progress progress(common);
    scenarios::RunOptions run = run_options(scenario, options);
    run.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
    if (trace != nullptr) trace->attach(run);
    report = scenarios::run_scenario(scenario, DataPlaces::standard(), run);
    if (trace != nullptr) trace->finish(scenario, run, common);
    run.trace = nullptr;
    scenarios::check_expectations(scenario, report);
    if (draws > 0) scenarios::add_uncertainty(report, scenario, DataPlaces::standard(), run, draws);
    report.headline = scenarios::headline_of(scenario, report).value_or(reports::automatic_headline(report));
  }
  for (const std::string& w : report.warnings) note(common, w, NoteKind::warning);
  if (common.verbose > 0) {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    note(common, fmt::format("{}: {:.3f} s", scenario.file, wall.count()));
  }
  return report;
}

void emit_plan(const scenarios::Scenario& scenario, const Common& common, const ScenarioOptions& options) {
  const scenarios::Plan plan = scenarios::plan_scenario(scenario, DataPlaces::standard(), seed_of(scenario, options), kernel_options(scenario, options));
  if (format_of(common) == "json") return emit_text(dump_json(*plan.input, 2) + "\n", common);
  reports::Listing listing;
  reports::Table t;
  t.id = "plan";
  t.title = "What would run: " + scenario.title;
  t.columns = {{"variant", "name of the variant"}, {"workload", "id of the workload"}, {"kind", "kind of workload"},
               {"topology", "kind of the network"}, {"gpus", "GPUs of the cluster"}, {"runs", "simulations"}};
  t.rows = plan.rows;
  listing.tables.push_back(std::move(t));
  emit(listing, common);
}

void tell_misses(const reports::Report& report, const Common& common, const ScenarioOptions& options) {
  std::size_t missed = 0;
  for (const auto& e : report.expectations) {
    if (!e.missed()) continue;
    ++missed;
    note(common, fmt::format("expected {} = {} within {:.3g} %, got {:.6g} ({:+.3g} %; {})", e.of, e.value, e.tolerance_pct, e.got,
                             e.error_pct, e.source), NoteKind::miss);
  }
  if (missed > 0 && options.strict) throw CheckFailed(fmt::format("{} of {} expectations missed", missed, report.expectations.size()));
}

std::vector<reports::InputDifference> variant_differences(const reports::Report& report) {
  std::vector<reports::InputDifference> out;
  if (!report.input || !report.input->contains("resolved")) return out;
  const Json& resolved = (*report.input)["resolved"];
  for (std::size_t i = 1; i < resolved.size(); ++i) {
    Json base = resolved[0], other = resolved[i];
    base.erase("name");
    other.erase("name");
    for (auto& d : reports::input_differences(base, other, resolved[i]["name"].get<std::string>())) out.push_back(std::move(d));
  }
  return out;
}

}  // namespace weft::cli
