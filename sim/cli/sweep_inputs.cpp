#include "sim/cli/sweep_inputs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/study_file.h"
#include "sim/cli/execute.h"

namespace weft::cli {
namespace {

/// Without the grid, to whose axes options may add.
AskedSweep read_document(Json document, const std::string& file, std::vector<scenarios::Axis>& axes) {
  AskedSweep out;
  out.sweep.file = file;
  if (scenarios::is_study(document)) {
    const scenarios::Study study = scenarios::read_study(document, file);
    out.sweep.title = study.title;
    out.sweep.settings = study.settings;
    out.where = study.where;
    out.pareto = study.pareto;
    out.run = study.run;
    out.tasks = study.tasks;
    axes = study.axes;
    if (study.document) {
      document = *study.document;
      if (!study.scenario_name.empty()) out.sweep.file = study.scenario_name;
    } else {
      out.sweep.file = scenario_path(study.scenario);
      document = read_json_file(out.sweep.file);
    }
  }
  out.sweep.document = std::make_shared<const Json>(std::move(document));
  return out;
}

}  // namespace

AskedSweep asked_of(const Json& document, const std::string& file) {
  std::vector<scenarios::Axis> axes;
  AskedSweep out = read_document(document, file, axes);
  out.sweep.grid = scenarios::Grid(std::move(axes));
  return out;
}

AskedSweep read_asked(const SweepInputs& o) {
  const std::string path = scenario_path(o.file);
  std::vector<scenarios::Axis> axes;
  scenarios::refuse_points_file(path);
  AskedSweep out = read_document(read_json_file(path), path == "-" ? "standard input" : path, axes);
  for (const auto& s : o.settings) out.sweep.settings.push_back(scenarios::parse_setting(s, "--set"));
  for (const auto& v : o.vary) axes.push_back(scenarios::parse_axis(v));
  out.sweep.grid = scenarios::Grid(std::move(axes));
  if (!o.where.empty()) out.where = o.where;
  if (!o.pareto.empty()) out.pareto = scenarios::parse_pareto(o.pareto, "--pareto");
  if (o.seed) out.run.seed = *o.seed;
  apply(o.engine, out.run);
  apply(o.kernels, out.run.kernels);
  out.run.jobs = 1;
  return out;
}

void add_sweep_inputs(CLI::App& sub, SweepInputs& o, const std::string& engine_option) {
  sub.add_option("SCENARIO", o.file, "scenario or study file (JSON), the name of a shipped scenario, or - for standard input")->type_name("FILE (required)");
  sub.add_option("--vary", o.vary, "values of one place of the scenario, separated by commas, or a range; several --vary make a grid, places joined by ; go in step")
      ->type_name("/POINTER=A,B,C")->take_all()->expected(1)->allow_extra_args(false);
  sub.add_option("--set", o.settings, "change the scenario for all points")->type_name("/POINTER=VALUE")->take_all()->expected(1)->allow_extra_args(false);
  sub.add_option("--where", o.where, "show the rows for which this is true: 'fits && price_MUSD < 20'")->type_name("CONDITION");
  sub.add_option("--pareto", o.pareto, "add the Pareto front of two columns: less X and more Y, unless min: or max: stands before one")->type_name("X,Y");
  sub.add_option("--seed", o.seed, "seed of all random draws (default: that of the study, else 1)")->check(seed_problem);
  sub.add_option("--jobs", o.jobs, "processes; never changes the result")->check(CLI::Range(1, 1024))->capture_default_str();
  add_engine_options(sub, o.engine, engine_option);
  add_kernel_time_options(sub, o.kernels);
}

}  // namespace weft::cli
