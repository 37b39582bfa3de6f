// Sensitivity: how much one number of a result moves when each input of its scenario moves, by running it again; a ranked tornado.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "scenarios/studies/sensitivity_steps.h"

namespace weft::scenarios {

struct SensitivityOptions {
  RunOptions run;                      ///< `jobs`: runs at a time; each is on one thread
  std::string of;                      ///< "variant/workload[label=value]/column" or what of it says which cell is meant; empty: the first expectation's, else the first time
  StepSize step;
  std::vector<std::string> inputs;     ///< pointers, names or patterns with * and ?: only these; empty: all but the numbers of a language model
  std::vector<std::string> together;   ///< "/a,/b": these move by the same factor, as one input
  std::function<void(std::size_t done, std::size_t total)> progress;
};

struct Sensitivity {
  std::string sentence;                ///< the answer, what moves it most, and which assumption matters
  /// Schema weft-sensitivity/1 with the tables `answer` (one row), `sensitivity` (by rank; inputs that move nothing last), `assumed` (inputs that
  /// nobody has measured or published and that move the answer by more than 1 %) and `not_moved` (with the reason). Every column is explained.
  reports::Listing listing;
};

/// Throws UserError: no such cell (place --of), a pattern that fits nothing (--inputs, --together), or a scenario that is wrong as it is.
/// What is wrong with a moved input is a row with its reason. Neither order nor number of threads changes a byte.
Sensitivity sensitivity(const Scenario& scenario, const DataPlaces& data, const SensitivityOptions& options);

/// What would be moved, and to where: tables `inputs` and `not_moved`. Runs the scenario once.
reports::Listing sensitivity_inputs(const Scenario& scenario, const DataPlaces& data, const SensitivityOptions& options);

/// The same for people: a bar beside each input, fewer columns, and without `all` no inputs that move nothing.
reports::Listing for_people(const Sensitivity& result, bool all);

}  // namespace weft::scenarios
