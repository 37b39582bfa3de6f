// weft run SCENARIO: every variant of one scenario.
#include <CLI/CLI.hpp>

#include "scenarios/runner.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"

namespace weft::cli {

void add_run(CLI::App& app) {
  struct Options { Common common; ScenarioOptions scenario; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("run", "run a scenario: all its variants, one table a workload");
  sub->footer("Examples:\n"
              "  weft run scenarios/table5_latency.json\n"
              "  weft run scenarios/mpft_vs_mrft.json --set /workload/all_to_all/gpus=256 --json -o result.json\n"
              "  weft run - < my_cluster.json");
  add_common(*sub, o->common);
  add_scenario_options(*sub, o->scenario, false);
  sub->callback([o] {
    check_output(o->common);
    const auto scenario = scenarios::load_scenario(scenario_path(o->scenario.files.front()), settings_of(o->scenario));
    if (o->scenario.dry_run) return emit_plan(scenario, o->common, o->scenario);
    const reports::Report report = execute(scenario, o->common, o->scenario);
    emit(report, o->common, {o->scenario.explain_columns, o->scenario.constants, line_width()});
    tell_misses(report, o->common, o->scenario);
  });
}

}  // namespace weft::cli
