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

bool names_a_case(const scenarios::Scenario& scenario, const std::string& of, const scenarios::RunOptions& run) {
  const scenarios::CaseName name = scenarios::read_case_name(of, of, "--of");
  const auto all = scenarios::Explainer(scenario, DataPlaces::standard(), run).cases();
  return std::ranges::any_of(all, [&](const scenarios::Explainable& e) { return e.simulated && name.may_mean(e.of); });
}

}  // namespace weft::cli
