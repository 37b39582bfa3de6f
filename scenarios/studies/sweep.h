// A sweep: one scenario run at every point of a grid of settings, in worker processes.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "scenarios/studies/axes.h"
#include "scenarios/studies/pareto.h"
#include "scenarios/studies/points_file.h"
#include "sim/core/expression.h"

namespace weft::scenarios {

/// What is swept.
struct Sweep {
  std::string file;                       ///< of the scenario, as the user named it
  std::shared_ptr<const Json> document;   ///< the scenario as it was read; it is read once
  std::string title;                      ///< of the study; empty: the scenario's
  std::vector<Setting> settings;          ///< for all points
  Grid grid;
};

struct SweepOptions {
  RunOptions run;
  unsigned processes = 1;
  Shard shard;                      ///< runs these points alone
  std::string points_file;          ///< keeps finished points and goes on where it stopped; empty: nothing is kept
  std::optional<Expression> where;  ///< rows of the listing, see keep_where(); the points file has all
  std::optional<ParetoGoals> goals; ///< of the front that the caller will ask for: that they exist is looked at early
  std::function<void(std::size_t done, std::size_t total)> progress;   ///< points of the share, those found in the file among them
  std::function<void(const std::string&)> note;                        ///< what was found there
};

struct SweepResult {
  reports::Listing listing;      ///< one table a workload: the axes' values, variant, labels, results; failed points apart
  std::size_t points = 0;        ///< of the share
  std::size_t failed = 0;        ///< points that ended in an error; they are in the table "failed"
  std::vector<std::string> warnings;   ///< of the points' runs, with where
  std::vector<std::string> notes;      ///< on rows that `where` left out
};

/// Runs the grid (last axis fastest). The order and bytes of the result do not depend on `processes`, nor on what was found in the points file. What is
/// wrong with the scenario as such is a UserError before anything runs, and so is a place that no point knows; what is wrong at a point is a row of
/// "failed". What the machine lacks (memory, a program) ends the sweep as RunError or NotPossibleHere, and that point is not finished. A column of `where` or
/// `goals` that no workload has is a UserError as soon as one point is finished.
SweepResult sweep(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options);

/// What the sweep's points files begin with. Throws UserError for what is wrong with the scenario as such, as sweep() does.
PointsHeader points_header(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options);

/// What would run, for --dry-run: the first points, and how many there are and are left.
reports::Listing plan_sweep(const Sweep& sweep, const DataPlaces& data, const SweepOptions& options);

}  // namespace weft::scenarios
