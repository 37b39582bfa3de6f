// Making a TimelinePicture: one case run again, with the slices of some ranks kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reports/page/page.h"
#include "scenarios/runner.h"

namespace weft::scenarios {

/// The ranks that a timeline is drawn of, the most wanted first: those that most of the critical path's time is spent on, then others spread over the cluster.
std::vector<std::uint32_t> ranks_to_draw(std::span<const analysis::PathStep> path, std::uint32_t ranks, std::size_t count);

/// A timeline of one case, on these ranks, or the first of them where most_slices are too few for all. `of` as explain() takes it.
/// Precondition: there are these ranks; none means all. Throws UserError.
reports::TimelinePicture timeline_picture(const Scenario& scenario, const DataPlaces& data, const std::string& of, const RunOptions& options,
                                          const std::vector<std::uint32_t>& ranks, std::size_t most_slices);

}  // namespace weft::scenarios
