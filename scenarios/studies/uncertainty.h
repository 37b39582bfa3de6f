// Uncertainty: a scenario run with kernel times drawn from the regions in which they lie, as bands beside its results.
#pragma once

#include <cstddef>
#include <functional>

#include "reports/report.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"

namespace weft::scenarios {

inline constexpr std::size_t kMostDraws = 100'000;


/// Adds COLUMN_p5, COLUMN_p50 and COLUMN_p95 behind every numeric column of `report` that moves over `draws` runs (1 to kMostDraws)
/// with drawn kernel times, and says what the bands cover. `report` is the run of the same scenario and options at the point
/// values. Runs without kernel times get a note instead. Neither order nor number of threads (options.jobs) changes a byte.
void add_uncertainty(reports::Report& report, const Scenario& scenario, const DataPlaces& data, const RunOptions& options, std::size_t draws);

}  // namespace weft::scenarios
