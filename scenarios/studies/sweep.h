// A sweep: one scenario run at every point of a grid of settings, in worker processes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"

namespace weft::scenarios {

/// One axis: a pointer and its values.
struct Axis {
  std::string pointer;
  std::vector<Setting> values;
  std::vector<std::string> texts;   ///< the values as the user wrote them, for columns
};

/// Parses "/pointer=a,b,[c,d]"; commas inside brackets, braces and quotes do not split. Throws UserError.
Axis parse_axis(const std::string& text);

struct SweepOptions {
  RunOptions run;
  unsigned processes = 1;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

struct SweepResult {
  reports::Listing listing;      ///< one table a workload: the axes' values, variant, labels, results; failed points apart
  std::size_t points = 0;
  std::vector<std::string> warnings;   ///< of the points' runs, with where
  std::size_t failed = 0;        ///< points that ended in an error; they are in the table "failed"
};

/// Runs the grid (last axis fastest). The order and bytes of the result do not depend on `processes`.
/// Throws UserError when an axis is empty or the grid is larger than 100,000 points.
SweepResult sweep(const std::string& file, const std::vector<Setting>& settings, const std::vector<Axis>& axes,
                  const DataPlaces& data, const SweepOptions& options);

}  // namespace weft::scenarios
