// weft compare SCENARIO...: variants of one file, or several files, against the first.
#include <algorithm>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "reports/compare.h"
#include "reports/headline.h"
#include "scenarios/runner.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"

namespace weft::cli {
namespace {

/// Short names for several scenarios: the file's own, or its path where two files are called the same.
std::vector<std::string> names_of(const std::vector<std::string>& files) {
  std::vector<std::string> names;
  for (const std::string& file : files) {
    const std::string stem = std::filesystem::path(file).stem().string();
    const auto same = std::count_if(files.begin(), files.end(), [&](const std::string& f) { return std::filesystem::path(f).stem() == stem; });
    std::string name = same > 1 ? file : stem;
    if (std::find(names.begin(), names.end(), name) != names.end()) throw UserError("SCENARIO", "the file " + file + " is given twice");
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

void add_compare(CLI::App& app) {
  struct Options { Common common; ScenarioOptions scenario; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("compare", "run and hold variants (or several scenarios) against the first: values, differences, ratios");
  sub->footer("Examples:\n"
              "  weft compare scenarios/mpft_vs_mrft.json\n"
              "  weft compare scenarios/mpft_vs_mrft.json --set /cluster/nodes=128 --format markdown\n"
              "  weft compare my_cluster.json my_other_cluster.json --format csv -o compared.csv");
  add_common(*sub, o->common);
  add_scenario_options(*sub, o->scenario, true);
  sub->callback([o] {
    check_output(o->common);
    const std::vector<std::string> names = names_of(o->scenario.files);
    std::vector<reports::Report> reports;
    for (const std::string& file : o->scenario.files) {
      const auto scenario = scenarios::load_scenario(scenario_path(file), settings_of(o->scenario));
      if (o->scenario.dry_run) {
        emit_plan(scenario, o->common, o->scenario);
        continue;
      }
      reports.push_back(execute(scenario, o->common, o->scenario));
    }
    if (o->scenario.dry_run) return;
    reports::Report all = reports.size() == 1 ? std::move(reports.front()) : reports::join(reports, names);
    reports::Comparison comparison = reports::compare_variants(all);
    comparison.input = variant_differences(all);
    all.comparison = std::move(comparison);
    if (names.size() > 1) all.headline = reports::automatic_headline(all);
    emit(all, o->common, {o->scenario.explain_columns, o->scenario.constants, line_width()});
    tell_misses(all, o->common, o->scenario);
  });
}

}  // namespace weft::cli
