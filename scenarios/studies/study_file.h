// A study file: a scenario and what to sweep of it, in place of the options of `weft sweep`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/runner.h"
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
  RunOptions run;                         ///< what `to_json` below writes; the rest as it is by default
  std::string scenario_name;              ///< of `document`, in messages; empty: the study's file
  std::size_t tasks = 0;                  ///< shares into which `weft sweep submit` cut it; 0: not written by it
};

/// What of a run its results depend on: seed, engine, kernel times and exactness.
Json to_json(const RunOptions& run);

/// A study in one document that needs no other file but those the scenario names; read_study() gives the same again.
Json to_json(const Study& study);

/// Whether a document is a study: it has "scenario" or "axes", which no scenario has.
bool is_study(const Json& document);

/// {"scenario": "file" or {...}, "title", "set": {"/pointer": value}, "axes": [...] (see read_axes), "where": "...", "pareto": {"x": "...", "y": "..."},
/// "run": {"seed", "engine", "cost_model", "calibrations", "force", "classes", "fold", "time_tolerance"}}, and what to_json() adds: "scenario_name", "submitted".
/// "set" may be a list of such objects, too, where the same place is set more than once.
/// Throws UserError with every problem.
Study read_study(const Json& document, const std::string& file);

}  // namespace weft::scenarios
