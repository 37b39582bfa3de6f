// weft sweep SCENARIO --vary /pointer=a,b,c: a grid of settings, kept point by point.
#include "sim/cli/sweep.h"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/study_file.h"
#include "scenarios/studies/sweep.h"
#include "sim/cli/execute.h"
#include "sim/core/unfinished.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  EngineOptions engine;
  KernelTimeOptions kernels;
  std::string file, points, shard, where, pareto;
  std::vector<std::string> vary, settings;
  std::uint64_t seed = 1;
  unsigned jobs = 1;
  bool dry_run = false;
};

/// The scenario or study that was named, and what the options add to it.
struct Asked {
  scenarios::Sweep sweep;
  std::string where;
  std::optional<scenarios::ParetoGoals> pareto;
};

Asked read_asked(const Options& o) {
  Asked out;
  std::vector<scenarios::Axis> axes;
  out.sweep.file = scenario_path(o.file);
  Json document = read_json_file(out.sweep.file);
  if (out.sweep.file == "-") out.sweep.file = "standard input";
  if (scenarios::is_study(document)) {
    const scenarios::Study study = scenarios::read_study(document, out.sweep.file);
    out.sweep.title = study.title;
    out.sweep.settings = study.settings;
    out.where = study.where;
    out.pareto = study.pareto;
    axes = study.axes;
    if (study.document) {
      document = *study.document;
    } else {
      out.sweep.file = scenario_path(study.scenario);
      document = read_json_file(out.sweep.file);
    }
  }
  out.sweep.document = std::make_shared<const Json>(std::move(document));
  for (const auto& s : o.settings) out.sweep.settings.push_back(scenarios::parse_setting(s, "--set"));
  for (const auto& v : o.vary) axes.push_back(scenarios::parse_axis(v));
  out.sweep.grid = scenarios::Grid(std::move(axes));
  if (!o.where.empty()) out.where = o.where;
  if (!o.pareto.empty()) out.pareto = scenarios::parse_pareto(o.pareto, "--pareto");
  return out;
}

void run(const Options& o) {
  check_output(o.common);
  if (!o.points.empty()) keep_apart(o.common, {o.points});
  const Asked asked = read_asked(o);
  scenarios::SweepOptions options;
  options.run.seed = o.seed;
  options.run.jobs = 1;
  apply(o.engine, options.run);
  apply(o.kernels, options.run.kernels);
  options.processes = o.jobs;
  options.points_file = o.points;
  if (!o.shard.empty()) options.shard = scenarios::parse_shard(o.shard, "--shard");
  if (!asked.where.empty()) options.where = Expression::parse(asked.where, "--where");
  options.goals = asked.pareto;
  if (o.dry_run) return emit(scenarios::plan_sweep(asked.sweep, DataPlaces::standard(), options), o.common);
  scenarios::SweepResult result;
  {
    Progress progress(o.common);
    options.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
    options.note = [&](const std::string& text) { note(o.common, text); };
    if (!o.points.empty() && !o.common.quiet) set_last_words("\nweft: interrupted; finished points are kept, the same command goes on with the others\n");
    result = scenarios::sweep(asked.sweep, DataPlaces::standard(), options);
    set_last_words(nullptr);
  }
  for (const std::string& n : result.notes) note(o.common, n);
  if (asked.pareto) {
    try {
      result.listing.tables.push_back(scenarios::pareto_table(result.listing, *asked.pareto));
    } catch (const UserError&) {   // there is no front, but there are results
      emit(result.listing, o.common);
      throw;
    }
  }
  tell_sweep(result.listing, o.common, result.warnings, result.failed, result.points);
}

}  // namespace

void keep_apart(const Common& common, const std::vector<std::string>& points_files) {
  if (common.output.empty() || common.output == "-") return;
  for (const std::string& p : points_files) {
    std::error_code error;
    const bool same = std::filesystem::weakly_canonical(p, error) == std::filesystem::weakly_canonical(common.output, error);
    if (same) throw UserError("--output", fmt::format("{} is the points file, which the result would replace", common.output), "write the result to another file");
  }
}

void tell_sweep(const reports::Listing& listing, const Common& common, const std::vector<std::string>& warnings, std::size_t failed, std::size_t points) {
  emit(listing, common);
  for (const std::string& w : warnings) note(common, w);
  if (failed > 0) throw RunError(fmt::format("{} of {} points failed; see the table \"failed\"", failed, points));
}

void add_sweep(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("sweep", "run a scenario at every point of a grid of settings");
  sub->footer("Examples:\n"
              "  weft sweep scenarios/my_cluster.json --set '/variants=[]' --vary /cluster/topology/kind=mpft,mrft --vary /cluster/nodes=32,64 --jobs 2\n"
              "  weft sweep scenarios/my_cluster.json --vary /workload/all_to_all/gpus=64,128,256 --format csv -o sweep.csv\n"
              "  weft sweep scenarios/my_cluster.json --vary '/cluster/node/nic_rate=100:800:100 Gbps' --vary /cluster/nodes=32:256:log4\n"
              "  weft sweep scenarios/my_cluster.json --vary '/cluster/nodes=32,64; /workload/all_to_all/gpus=256,512'   (in step)\n"
              "  weft sweep study.json --points points.jsonl --jobs 2        (again after a kill: goes on where it stopped)\n"
              "  weft sweep study.json --points part1.jsonl --shard 1/2      (and 2/2 elsewhere)\n"
              "  weft sweep status part*.jsonl\n"
              "  weft sweep merge part*.jsonl --where 'price_MUSD < 20' -o all.csv\n"
              "  weft sweep pareto part*.jsonl --x price.price_MUSD --y max:all_to_all.algbw_GBps\n"
              "Values of --vary: JSON or words, with commas between; lo:hi:step and lo:hi:logN, with a unit behind if there is one. scenarios/studies/README.md says more.");
  add_common(*sub, o->common);
  sub->add_option("SCENARIO", o->file, "scenario or study file (JSON), the name of a shipped scenario, or - for standard input")->type_name("FILE (required)");
  sub->add_option("--vary", o->vary, "values of one place of the scenario, separated by commas, or a range; several --vary make a grid, places joined by ; go in step")
      ->type_name("/POINTER=A,B,C")->take_all()->expected(1);
  sub->add_option("--set", o->settings, "change the scenario for all points")->type_name("/POINTER=VALUE")->take_all()->expected(1);
  sub->add_option("--points", o->points, "keep every finished point in FILE (JSON Lines), and go on with what is there")->type_name("FILE");
  sub->add_option("--shard", o->shard, "run the I-th of N shares of the points alone; each with a points file of its own, for `weft sweep merge`")->type_name("I/N");
  sub->add_option("--where", o->where, "show the rows for which this is true: 'fits && price_MUSD < 20'")->type_name("CONDITION");
  sub->add_option("--pareto", o->pareto, "add the Pareto front of two columns: less X and more Y, unless min: or max: stands before one")->type_name("X,Y");
  sub->add_option("--seed", o->seed, "seed of all random draws")->check(CLI::NonNegativeNumber)->capture_default_str();
  sub->add_option("--jobs", o->jobs, "processes; never changes the result")->check(CLI::Range(1, 1024))->capture_default_str();
  sub->add_flag("--dry-run", o->dry_run, "say how many points there are and show the first, run nothing");
  add_engine_options(*sub, o->engine);
  add_kernel_time_options(*sub, o->kernels);
  add_sweep_commands(*sub);
  sub->callback([o, sub] {
    if (!sub->get_subcommands().empty()) return;
    if (o->file.empty()) throw CLI::RequiredError("SCENARIO");
    run(*o);
  });
}

}  // namespace weft::cli
