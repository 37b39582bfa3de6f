#include "sim/cli/report_stories.h"

#include <algorithm>

#include "scenarios/studies/story.h"
#include "sim/cli/report_cases.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

constexpr std::size_t kMostSlices = 16'000;   // of all timelines of a part together: 200 kB

}  // namespace

std::vector<reports::Story> stories_of(const scenarios::Scenario& scenario, const reports::Report& report, const std::vector<std::string>& of,
                                       const scenarios::RunOptions& run, const Common& common) {
  const DataPlaces data = DataPlaces::standard();
  const std::vector<std::string> cases = of.empty() ? cases_to_tell(scenarios::explainable(scenario, data, run), report) : of;
  Progress progress(common);
  scenarios::StoryOptions options;
  options.slices = kMostSlices / std::max<std::size_t>(cases.size(), 1);
  options.explain.run = run;
  options.explain.run.kernel_times = std::make_shared<const scenarios::KernelTimes>(data, run.kernels);
  options.explain.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
  std::vector<reports::Story> out;
  for (const std::string& one : cases) out.push_back(scenarios::tell(scenario, data, one, options));
  return out;
}

bool names_a_case(const scenarios::Scenario& scenario, const std::string& of, const scenarios::RunOptions& run) {
  const auto all = scenarios::explainable(scenario, DataPlaces::standard(), run);
  return std::ranges::any_of(all, [&](const scenarios::Explainable& e) { return e.simulated && may_mean(of, e); });
}

}  // namespace weft::cli
