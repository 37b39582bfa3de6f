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

/// Ranks that are worth a timeline, the most wanted first: up to `count` that the critical path spends most time on; then others, of different
/// places in their nodes, spread over the cluster and denser at its beginning (1, 3, 6, 11, 20...), since nobody knows here which of them take part.
std::vector<std::uint32_t> ranks_to_draw(std::span<const analysis::PathStep> path, std::uint32_t ranks, std::size_t count);

/// A timeline of one case, on `count` of these ranks: the first that do anything, fewer where most_slices are too few for all. `of` as explain() takes it.
/// Precondition: there are these ranks; none means all. Throws UserError.
reports::TimelinePicture timeline_picture(const Scenario& scenario, const DataPlaces& data, const std::string& of, const RunOptions& options,
                                          const std::vector<std::uint32_t>& ranks, std::size_t count, std::size_t most_slices);

}  // namespace weft::scenarios
