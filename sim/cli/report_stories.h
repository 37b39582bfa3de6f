// The cases of a scenario that a page tells in full.
#pragma once

#include <string>
#include <vector>

#include "reports/page/page.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "sim/cli/app.h"

namespace weft::cli {

/// Those that `of` names, or by default those of cases_to_tell(). Throws UserError (place: --of) when one fits none or several.
std::vector<reports::Story> stories_of(const scenarios::Scenario& scenario, const reports::Report& report, const std::vector<std::string>& of,
                                       const scenarios::RunOptions& run, const Common& common);

/// Whether `of` may mean a simulated case of the scenario.
bool names_a_case(const scenarios::Scenario& scenario, const std::string& of, const scenarios::RunOptions& run);

}  // namespace weft::cli
