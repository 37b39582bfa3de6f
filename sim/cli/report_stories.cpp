#include "sim/cli/report_stories.h"

#include <algorithm>

#include "scenarios/case_name.h"
#include "scenarios/headline.h"
#include "scenarios/studies/story.h"
#include "sim/cli/execute.h"
#include "sim/cli/report_cases.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

/// Of the timeline: 200 kB, what fits beside everything else.
constexpr std::size_t kMostSlices = 16'000;

}  // namespace

std::vector<reports::Story> stories_of(const scenarios::Scenario& scenario, const reports::Report& report, const StoryChoice& choice,
                                       const scenarios::RunOptions& run, const Common& common) {
  const DataPlaces data = DataPlaces::standard();
  if (run.engine.own_process && choice.of.empty()) return {};   // nobody can watch it
  scenarios::StoryOptions options;
  options.explain.run = run;
  options.explain.run.kernel_times = std::make_shared<const scenarios::KernelTimes>(data, run.kernels);
  std::vector<std::string> told = choice.of;
  if (told.empty()) {
    const auto spoken = scenario.headline.empty() ? std::vector<scenarios::CellPath>() : scenarios::HeadlineTemplate::parse(scenario.headline).cells();
    told = cases_to_tell(scenarios::Explainer(scenario, data, options.explain.run).cases(), report, spoken);
  }
  std::vector<reports::Story> stories;
  Progress progress(common);
  options.explain.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
  for (const std::string& one : told) {
    options.slices = stories.empty() && choice.timeline ? kMostSlices : 0;
    stories.push_back(scenarios::tell(scenario, data, one, options));
  }
  return stories;
}

std::vector<reports::Reason> reasons_of(const scenarios::Scenario& scenario, const scenarios::RunOptions& run, const Common& common) {
  if (run.engine.name != engine::engine_kinds().front().name) return {};
  const scenarios::Explainer explainer(scenario, DataPlaces::standard(), run);
  const auto all = explainer.cases();
  if (all.empty() || std::ranges::any_of(all, &scenarios::Explainable::simulated)) return {};
  Progress progress(common);
  scenarios::ExplainOptions options;
  options.run = run;
  options.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
  std::vector<reports::Reason> out;
  for (scenarios::ExplainedAnalysis& a : explainer.analyses("", options)) out.push_back({std::move(a.of), std::move(a.found_by), std::move(a.why)});
  return out;
}

bool names_a_case(const scenarios::Scenario& scenario, const std::string& of, const scenarios::RunOptions& run) {
  std::vector<std::string> names;
  const auto all = scenarios::Explainer(scenario, DataPlaces::standard(), run).cases();
  for (const scenarios::Explainable& e : all) {
    if (e.simulated) names.push_back(e.of);
  }
  return !scenarios::places_meant(of, names, "--of").empty();
}

}  // namespace weft::cli
