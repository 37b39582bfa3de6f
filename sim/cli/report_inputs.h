// What `weft report` is given: results and scenarios to run again, sensitivities and sweeps to draw.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/scenario.h"
#include "sim/core/json.h"

namespace weft::cli {

/// A result or a scenario.
struct RunInput {
  std::string path;                      ///< as the user named it
  scenarios::Scenario scenario;
  std::shared_ptr<const Json> result;    ///< the whole file, when it is a result
};

struct ReportInputs {
  std::vector<RunInput> runs;
  std::vector<reports::Listing> tornados;
  std::vector<std::string> sweeps;       ///< files of points
};

/// Reads files and tells them apart by their schema. Throws UserError: a file of another version, or that is none of these.
ReportInputs read_report_inputs(const std::vector<std::string>& files);

/// Throws UserError that says what differs between what the result was computed from and what its scenario means now. Nothing is run.
void check_input_digest(const RunInput& input, const Json& input_now);

/// Throws UserError naming the first number of the result that is another one now, beyond rounding.
void check_same_rows(const RunInput& input, const reports::Report& now);

/// The expected values that a result was held against: its scenario does not have them any more.
std::vector<reports::Expectation> expectations_of(const Json& result);

/// Sentences about the verdicts of a report's expected values that its own rows do not bear out: a file changed by hand, or cells that are not there.
std::vector<std::string> verdicts_that_differ(const reports::Report& report);

}  // namespace weft::cli
