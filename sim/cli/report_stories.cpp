#include "sim/cli/report_stories.h"

#include <algorithm>

#include "scenarios/studies/story.h"
#include "sim/cli/execute.h"
#include "sim/cli/report_cases.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

/// Of all timelines of a result together: half a MB, what fits beside everything else. A rank of the training step of Table 4 has 5,600.
constexpr std::size_t kMostSlices = 40'000;

}  // namespace

std::vector<reports::Story> stories_of(const scenarios::Scenario& scenario, const reports::Report& report, const std::vector<std::string>& of,
                                       const scenarios::RunOptions& run, const Common& common) {
  const DataPlaces data = DataPlaces::standard();
  scenarios::StoryOptions options;
  options.explain.run = run;
  options.explain.run.kernel_times = std::make_shared<const scenarios::KernelTimes>(data, run.kernels);
  const std::vector<std::string> told = of.empty() ? cases_to_tell(scenarios::Explainer(scenario, data, options.explain.run).cases(), report) : of;
  std::vector<reports::Story> stories;
  Progress progress(common);
  options.explain.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
  options.slices = kMostSlices / std::max<std::size_t>(2, told.size());
  for (const std::string& one : told) stories.push_back(scenarios::tell(scenario, data, one, options));
  return stories;
}

bool names_a_case(const scenarios::Scenario& scenario, const std::string& of, const scenarios::RunOptions& run) {
  const auto all = scenarios::Explainer(scenario, DataPlaces::standard(), run).cases();
  return std::ranges::any_of(all, [&](const scenarios::Explainable& e) { return e.simulated && may_mean(of, e); });
}

}  // namespace weft::cli
