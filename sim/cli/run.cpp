// weft run SCENARIO: every variant of one scenario.
#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "scenarios/check_against.h"
#include "scenarios/runner.h"
#include "scenarios/studies/uncertainty.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"
#include "sim/cli/trace.h"

namespace weft::cli {
namespace {

/// Prints how far the two engines are apart; throws CheckFailed when that is too far.
void check(const scenarios::Scenario& scenario, const Common& common, const ScenarioOptions& options, const std::string& against) {
  const engine::EngineKind& reference = engine::engine_named(against, "--check-against");
  scenarios::RunOptions run = run_options(scenario, options);
  if (run.time_tolerance > 0) throw UserError("--time-tolerance", "an approximate run is not held against another engine", "leave it out");
  scenarios::CheckResult result;
  {
    Progress progress(common);
    run.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
    result = scenarios::check_against(scenario, DataPlaces::standard(), run, reference);
  }
  if (result.cases == 0) throw UserError("--check-against", "nothing in this scenario is simulated");
  emit(result.listing, common, {options.explain_columns, options.constants, line_width()});
  if (!result.agree()) {
    throw CheckFailed(fmt::format("{} and {} differ by {:.3g} of the time in {}, more than {:g}", run.engine.name, reference.name, result.worst,
                                  result.worst_case, scenarios::kAgreement));
  }
}

constexpr std::size_t kUsualDraws = 100;

/// --uncertainty, or --uncertainty N.
std::size_t draws_of(const std::string& text) {
  if (text.empty()) return kUsualDraws;
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > scenarios::kMostDraws) {
    throw UserError("--uncertainty", fmt::format("expected a number of draws from 1 to {}, got \"{}\"", scenarios::kMostDraws, text),
                    "without a number there are 100, and then it stands after the scenario");
  }
  return n;
}

}  // namespace

void add_run(CLI::App& app) {
  struct Options { Common common; ScenarioOptions scenario; TraceFlags trace; std::string check_against, uncertainty; CLI::Option* draws = nullptr; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("run", "run a scenario: all its variants, one table a workload");
  sub->footer("Examples:\n"
              "  weft run scenarios/table5_latency.json\n"
              "  weft run scenarios/mpft_vs_mrft.json --set /workload/all_to_all/gpus=256 --json -o result.json\n"
              "  weft run scenarios/table5_latency.json --check-against simgrid\n"
              "  weft run scenarios/kernel_times_h800.json --uncertainty --cost-model fitted\n"
              "  weft run scenarios/table5_latency.json --trace ping.json --trace-of 'RoCE/network[pair=cross_leaf]'\n"
              "  weft run scenarios/mpft_vs_mrft.json --trace a2a.json.gz --trace-of 'MPFT/all_to_all[gpus=128,size_B=1073741824]' --trace-ranks 0-15,64\n"
              "  weft run - < my_cluster.json");
  add_common(*sub, o->common);
  add_scenario_options(*sub, o->scenario, false);
  sub->add_option("--check-against", o->check_against,
                  "run on this engine too and compare every operation; exit 4 when a start or finish differs by more than 1e-9")
      ->type_name("ENGINE");
  add_trace_options(*sub, o->trace);
  o->draws = sub->add_option("--uncertainty", o->uncertainty,
                             "draw the kernel times N times (default: 100) from what their calibrations leave open, and give 5, 50 and 95 % of every result that moves")
                 ->type_name("[N]")->expected(0, 1);
  sub->callback([o] {
    check_output(o->common);
    std::size_t draws = o->draws->count() > 0 ? draws_of(o->uncertainty) : 0;
    if (draws > 0 && !o->check_against.empty()) {
      throw UserError("--uncertainty", "draws of kernel times are not held against another engine", "leave out this or --check-against");
    }
    if (o->trace.file && !o->check_against.empty()) {
      throw UserError("--trace", "what is held against another engine is not drawn", "leave out this or --check-against");
    }
    std::optional<TraceOutput> trace;
    if (o->trace.file) trace.emplace(o->trace, o->common);
    const auto scenario = scenarios::load_scenario(scenario_path(o->scenario.files.front()), settings_of(o->scenario));
    if (o->scenario.dry_run) return emit_plan(scenario, o->common, o->scenario);
    if (!o->check_against.empty()) return check(scenario, o->common, o->scenario, o->check_against);
    if (draws == 0) draws = std::min<std::size_t>(scenario.draws, scenarios::kMostDraws);   // of a result that is run again
    const reports::Report report = execute(scenario, o->common, o->scenario, draws, trace ? &*trace : nullptr);
    emit(report, o->common, {o->scenario.explain_columns, o->scenario.constants, line_width()});
    tell_misses(report, o->common, o->scenario);
  });
}

}  // namespace weft::cli
