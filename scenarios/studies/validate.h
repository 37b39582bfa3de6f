// Validation: every published number that the shipped scenarios expect, predicted on the normal path.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "scenarios/runner.h"

namespace weft::scenarios {

/// One scalar of a publication.
struct ValidationRow {
  std::string id, topic, source, unit, kind, scenario;
  std::string of;                  ///< the cell that predicts it
  std::string topology, workload;  ///< kinds that it exercised, for `weft support`; no topology when nothing of the cluster matters
  std::vector<std::string> depends;  ///< what moves it when halved
  double published = 0, predicted = 0, error_pct = 0, tolerance_pct = 0;
  bool pass = false;
  std::string not_reproducible;      ///< the reason; empty for all other rows
  std::string known_miss;            ///< the reason of a miss that is known; empty for all other rows
  std::string note;                  ///< what a reader has to know beside the numbers; may be empty
  bool missed() const { return !pass && not_reproducible.empty() && known_miss.empty(); }
};

struct ValidationOptions {
  RunOptions run;
  std::string topic;                        ///< empty: all
  std::function<void(std::size_t, std::size_t)> progress;
};

/// Runs every scenario in the data places' `scenarios` folder that has expectations with an id. Throws UserError for an
/// unknown topic (nearest name offered) and for a repeated id.
std::vector<ValidationRow> validate(const DataPlaces& data, const ValidationOptions& options);

}  // namespace weft::scenarios
