// The answer of a sensitivity study: which cell of a scenario is meant, and the smallest scenario that still has it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"

namespace weft::scenarios {

struct Answer {
  std::string of;                        ///< "MPFT/step[gpus=2048,rank=mean]/step_time_s"
  std::string variant, workload, column;
  std::vector<std::pair<std::string, Cell>> labels;
  std::size_t row = 0, rows = 0;         ///< which of the rows of the workload
  double value = 0;
  bool chosen = false;                   ///< by weft rather than by the user, who is told
  std::shared_ptr<const Json> document;  ///< a scenario of this variant and workload alone, lists cut to what the row is of
  reports::Report base;                  ///< its result
};

/// Runs the scenario's variant and workload that `of` means. Throws UserError (place --of) that lists what fits when it is not exactly one.
Answer choose_answer(const Scenario& scenario, const DataPlaces& data, const RunOptions& run, const std::string& of);

/// The cell in the result of the same scenario with another input. Labels that moved with the input do not matter while there are as many rows.
/// Throws UserError when it is not there any more.
double answer_in(const reports::Report& report, const Answer& answer);

}  // namespace weft::scenarios
