// weft sweep SCENARIO --vary /pointer=a,b,c: a grid of settings, kept point by point.
#include "sim/cli/sweep.h"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "scenarios/studies/sweep.h"
#include "sim/cli/sweep_inputs.h"
#include "sim/core/error.h"
#include "sim/core/unfinished.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  SweepInputs inputs;
  std::string points, shard;
  bool dry_run = false;
};

void run(const Options& o) {
  check_output(o.common);
  if (!o.points.empty()) keep_apart(o.common, {o.points});
  const AskedSweep asked = read_asked(o.inputs);
  scenarios::SweepOptions options;
  options.run = asked.run;
  options.processes = o.inputs.jobs;
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
  if (!o.shard.empty() && o.points.empty()) note(o.common, fmt::format("this is share {} of the points alone; weft sweep merge joins shares that --points kept", o.shard));
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
              "  weft sweep submit study.json --engine slurm --tasks 16      (on a cluster: weft sweep submit --help)\n"
              "  weft sweep status part*.jsonl\n"
              "  weft sweep merge part*.jsonl --where 'price_MUSD < 20' -o all.csv\n"
              "  weft sweep pareto part*.jsonl --x price.price_MUSD --y max:all_to_all.algbw_GBps\n"
              "Values of --vary: JSON or words, with commas between; lo:hi:step and lo:hi:logN, with a unit behind if there is one. scenarios/studies/README.md says more.");
  add_common(*sub, o->common);
  add_sweep_inputs(*sub, o->inputs);
  sub->add_option("--points", o->points, "keep every finished point in FILE (JSON Lines), and go on with what is there")->type_name("FILE");
  sub->add_option("--shard", o->shard, "run the I-th of N shares of the points alone; each with a points file of its own, for `weft sweep merge`")->type_name("I/N");
  sub->add_flag("--dry-run", o->dry_run, "say how many points there are and show the first, run nothing");
  add_sweep_commands(*sub);
  add_sweep_submit(*sub);
  sub->callback([o, sub] {
    if (!sub->get_subcommands().empty()) return;
    if (o->inputs.file.empty()) throw CLI::RequiredError("SCENARIO");
    run(*o);
  });
}

}  // namespace weft::cli
