// weft explain RESULT: why a run took as long as it did.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "scenarios/case_name.h"
#include "scenarios/studies/explain.h"
#include "scenarios/studies/explanation_tables.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  ScenarioOptions scenario;
  std::string of;
  std::size_t free = 5;
  bool path = false;
};

/// The case that is told in full; empty: there are several, and none was named.
std::string chosen_case(const std::vector<scenarios::Explainable>& all, const std::string& of) {
  if (!of.empty()) return of;
  std::string found;
  for (const scenarios::Explainable& e : all) {
    if (!e.simulated || e.variant != all.front().variant) continue;
    if (!found.empty()) return "";
    found = e.of;
  }
  return found;
}

/// `of` is about what nothing is simulated for: it means analyses alone, or there is nothing else.
bool names_analysis(const std::vector<scenarios::Explainable>& all, const std::string& of) {
  if (of.empty()) return false;
  if (std::ranges::none_of(all, &scenarios::Explainable::simulated)) return true;
  std::vector<std::string> names;
  for (const scenarios::Explainable& e : all) names.push_back(e.of);
  const std::vector<std::size_t> meant = scenarios::places_meant(of, names, "--of");
  return !meant.empty() && std::ranges::none_of(meant, [&](std::size_t i) { return all[i].simulated; });
}

void explain(const Options& o) {
  check_output(o.common);
  const auto scenario = scenarios::load_scenario(scenario_path(o.scenario.files.front()), settings_of(o.scenario));
  if (o.scenario.dry_run) return emit_plan(scenario, o.common, o.scenario);
  const DataPlaces data = DataPlaces::standard();
  scenarios::ExplainOptions options;
  options.run = run_options(scenario, o.scenario);
  options.run.kernel_times = std::make_shared<const scenarios::KernelTimes>(data, options.run.kernels);
  scenarios::require_same_input(scenario, data, options.run.kernels);
  options.free = o.free;
  const scenarios::Explainer explainer(scenario, data, options.run);
  Progress progress(o.common);
  options.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
  const std::vector<scenarios::Explainable> all = explainer.cases();
  const std::string of = chosen_case(all, o.of);
  reports::Listing listing;
  if (names_analysis(all, o.of)) {
    listing = scenarios::explained_analyses(explainer, o.of, options);
  } else if (!of.empty()) {
    listing = scenarios::explanation_tables(explainer.explain(of, options), o.path);
  } else {
    listing = scenarios::explained_overview(explainer, options);
  }
  listing.schema = "weft-explain/1";
  emit(listing, o.common, {o.scenario.explain_columns, o.scenario.constants, line_width()});
}

}  // namespace

void add_explain(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("explain", "why a run took as long as it did: critical path, what bounds it, what it would take without");
  sub->footer("Examples:\n"
              "  weft explain scenarios/training_mpft_2048.json\n"
              "  weft explain scenarios/mpft_vs_mrft.json --of 'MPFT/all_to_all[gpus=64,size_B=1048576]'\n"
              "  weft explain result.json --of 'MPFT, spine lost/whole_cluster_at_line_rate' --json\n"
              "  weft explain scenarios/mpft_vs_mrft.json --free 0         an overview of all simulations");
  add_common(*sub, o->common);
  add_scenario_options(*sub, o->scenario, false);
  sub->add_option("--of", o->of, "the simulation to explain: VARIANT/WORKLOAD[label=value,...], or a part of it that only one has (default: the base variant's only one, else an overview)")
      ->type_name("CASE");
  sub->add_option("--free", o->free, "make so many of the costliest links and operations infinitely fast, one at a time, and run again")
      ->check(CLI::Range(0, 20))->capture_default_str();
  sub->add_flag("--path", o->path, "list every step of the critical path, too");
  sub->callback([o] { explain(*o); });
}

}  // namespace weft::cli
