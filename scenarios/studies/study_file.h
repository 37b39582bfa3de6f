// A study file: a scenario and what to sweep of it, in place of the options of `weft sweep`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/studies/axes.h"
#include "scenarios/studies/pareto.h"
#include "sim/core/json.h"

namespace weft::scenarios {

struct Study {
  std::string title;
  std::string scenario;                   ///< path, from the study's folder where there is such a file, else as it was given; empty: `document`
  std::shared_ptr<const Json> document;   ///< a scenario that stands in the study itself
  std::vector<Setting> settings;
  std::vector<Axis> axes;
  std::string where;                      ///< empty: all rows
  std::optional<ParetoGoals> pareto;
};

/// Whether a document is a study: it has "scenario" or "axes", which no scenario has.
bool is_study(const Json& document);

/// {"scenario": "file" or {...}, "title", "set": {"/pointer": value}, "axes": [...] (see read_axes), "where": "...", "pareto": {"x": "...", "y": "..."}}.
/// Throws UserError with every problem.
Study read_study(const Json& document, const std::string& file);

}  // namespace weft::scenarios
