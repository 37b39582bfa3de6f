// Telling a case in full: why it takes as long as it does, its network, its timeline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reports/page/page.h"
#include "scenarios/studies/explain.h"

namespace weft::scenarios {

struct StoryOptions {
  ExplainOptions explain;
  std::size_t ranks = 8;             ///< so many are drawn on the timeline
  std::size_t slices = 20000;        ///< at most, of the timeline
  std::size_t bundles = 2000;        ///< at most, of the network
};

/// The ranks that a timeline is drawn of, in order: those that most of the critical path's time is spent on, then others spread over the cluster.
std::vector<std::uint32_t> ranks_to_draw(const std::vector<analysis::PathStep>& path, std::uint32_t ranks, std::size_t count);

/// A timeline of one case, on these ranks. `of` as explain() takes it. Throws UserError.
reports::TimelinePicture timeline_picture(const Scenario& scenario, const DataPlaces& data, const std::string& of, const RunOptions& options,
                                          const std::vector<std::uint32_t>& ranks, std::size_t most_slices);

/// `of` means one simulated case, as explain() takes it. Runs it once more than explain() does, with every rank. Throws UserError.
reports::Story tell(const Scenario& scenario, const DataPlaces& data, const std::string& of, const StoryOptions& options);

}  // namespace weft::scenarios
