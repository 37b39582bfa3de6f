// weft sweep SCENARIO --vary /pointer=a,b,c: a grid of settings.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "scenarios/studies/sweep.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"

namespace weft::cli {

void add_sweep(CLI::App& app) {
  struct Options {
    Common common;
    EngineOptions engine;
    KernelTimeOptions kernels;
    std::string file;
    std::vector<std::string> vary, settings;
    std::uint64_t seed = 1;
    unsigned jobs = 1;
  };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("sweep", "run a scenario at every point of a grid of settings");
  sub->footer("Examples:\n"
              "  weft sweep scenarios/my_cluster.json --set '/variants=[]' --vary /cluster/topology/kind=mpft,mrft --vary /cluster/nodes=32,64 --jobs 2\n"
              "  weft sweep scenarios/my_cluster.json --vary /workload/all_to_all/gpus=64,128,256 --format csv -o sweep.csv");
  add_common(*sub, o->common);
  sub->add_option("SCENARIO", o->file, "scenario file (JSON)")->required();
  sub->add_option("--vary", o->vary, "values of one place of the scenario, separated by commas; several --vary make a grid")
      ->required()->type_name("/POINTER=A,B,C")->take_all()->expected(1);
  sub->add_option("--set", o->settings, "change the scenario for all points")->type_name("/POINTER=VALUE")->take_all()->expected(1);
  sub->add_option("--seed", o->seed, "seed of all random draws")->check(CLI::NonNegativeNumber)->capture_default_str();
  sub->add_option("--jobs", o->jobs, "processes; never changes the result")->check(CLI::Range(1, 1024))->capture_default_str();
  add_engine_options(*sub, o->engine);
  add_kernel_time_options(*sub, o->kernels);
  sub->callback([o] {
    check_output(o->common);
    if (o->file == "-") throw UserError("SCENARIO", "a sweep reads its scenario once a point, so it must be a file");
    std::vector<scenarios::Setting> settings;
    for (const auto& s : o->settings) settings.push_back(scenarios::parse_setting(s, "--set"));
    std::vector<scenarios::Axis> axes;
    for (const auto& v : o->vary) axes.push_back(scenarios::parse_axis(v));
    Progress progress(o->common);
    scenarios::SweepOptions options;
    options.run.seed = o->seed;
    options.run.jobs = 1;
    apply(o->engine, options.run);
    apply(o->kernels, options.run.kernels);
    options.processes = o->jobs;
    options.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
    const auto result = scenarios::sweep(scenario_path(o->file), settings, axes, DataPlaces::standard(), options);
    emit(result.listing, o->common);
    for (const std::string& w : result.warnings) note(o->common, w);
    if (result.failed > 0) throw RunError(fmt::format("{} of {} points failed; see the table \"failed\"", result.failed, result.points));
  });
}

}  // namespace weft::cli
