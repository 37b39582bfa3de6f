#include "scenarios/studies/timeline_picture.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "scenarios/case_run.h"
#include "scenarios/parallel.h"
#include "scenarios/resolve.h"
#include "scenarios/studies/timeline_slices.h"
#include "scenarios/trace.h"
#include "sim/analysis/timeline/traced_program.h"

namespace weft::scenarios {
namespace {

/// The first trial of a case: its programs one after another.
void draw_case(const TracedCase& drawn, const RunOptions& options, const std::vector<bool>& ranks, TimelineSlices& slices) {
  const ResolvedVariant& v = *drawn.variant;
  const Cluster& cluster = *v.cluster;
  try {
    topology::Router own(cluster.fabric(), cluster.routing());
    const workloads::Case c = drawn.workload->workload->cases(cluster.view(own)).at(drawn.number);
    const Placement placement = cluster.fabric().placement();
    Seconds begun;
    for (std::size_t i = 0; i <= c.then.size(); ++i) {
      topology::Router router(cluster.fabric(), cluster.routing());
      const auto program = i == 0 ? c.program(0) : c.then[i - 1].program(0);
      slices.begin_program(std::llround(begun.value() * 1e9));
      analysis::TracedProgram traced(*program, placement, {ranks, false}, slices);
      begun += options.engine.run(router, traced, engine_options(options, cluster), traced).makespan;
      traced.close();
    }
  } catch (const UserError& e) {
    throw placed(e, v.file, drawn.workload->pointer);
  } catch (const RunError& e) {
    throw RunError(fmt::format("{}: {}: {}: {}", v.file, drawn.workload->pointer, drawn.name, e.what()));
  }
}

}  // namespace

std::vector<std::uint32_t> ranks_to_draw(std::span<const analysis::PathStep> path, std::uint32_t ranks, std::size_t count) {
  std::map<std::uint32_t, double> on_path;
  for (const analysis::PathStep& s : path) {
    if (s.rank >= 0 && s.rank < ranks) on_path[static_cast<std::uint32_t>(s.rank)] += (s.finish - s.start).value();
  }
  std::vector<std::pair<double, std::uint32_t>> by_time;
  for (const auto& [rank, time] : on_path) by_time.emplace_back(-time, rank);
  std::sort(by_time.begin(), by_time.end());
  std::vector<std::uint32_t> chosen;
  const auto add = [&](std::size_t rank) {
    if (rank < ranks && std::find(chosen.begin(), chosen.end(), rank) == chosen.end()) chosen.push_back(static_cast<std::uint32_t>(rank));
  };
  for (std::size_t i = 0; i < std::min(count, by_time.size()); ++i) add(by_time[i].second);
  for (std::size_t i = 0; i < count; ++i) add(i * ranks / count + i);
  for (std::size_t k = 0; k < 32; ++k) add((std::size_t{1} << k) + k);
  for (std::size_t rank = 0; rank < ranks && chosen.size() < count; ++rank) add(rank);
  return chosen;
}

reports::TimelinePicture timeline_picture(const Scenario& scenario, const DataPlaces& data, const std::string& of, const RunOptions& options,
                                          const std::vector<std::uint32_t>& ranks, std::size_t count, std::size_t most_slices) {
  if (options.engine.own_process) {
    throw UserError("--engine", fmt::format("the {} engine plays the program in a process of its own, where nobody can watch it", options.engine.name));
  }
  const auto kernels = options.kernel_times ? options.kernel_times : std::make_shared<const KernelTimes>(data, options.kernels);
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, options.seed, kernels.get(), options.draw);
  const std::vector<TracedCase> cases = cases_of(variants);
  const TracedCase& drawn = cases[choose_case(cases, of, "--of", "SCENARIO")];
  const std::uint32_t all = drawn.variant->cluster->fabric().placement().ranks();
  std::vector<bool> listed(ranks.empty() ? 0 : all, false);
  for (const std::uint32_t rank : ranks) {
    WEFT_CHECK(rank < all, fmt::format("rank {} of {}", rank, all));
    listed[rank] = true;
  }
  RunOptions own = options;
  own.threads = threads_of(options.jobs);
  TimelineSlices slices(most_slices, count, ranks);
  draw_case(drawn, own, listed, slices);
  reports::TimelinePicture picture = slices.take();
  std::set<std::string> drawn_ranks;
  for (const auto& t : picture.tracks) drawn_ranks.insert(t.rank);
  picture.ranks = static_cast<std::uint32_t>(drawn_ranks.size());
  picture.of_ranks = all;
  return picture;
}

}  // namespace weft::scenarios
