// The cases of a scenario that a page tells in full.
#pragma once

#include <string>
#include <vector>

#include "reports/page/page.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "sim/cli/app.h"

namespace weft::cli {

struct StoryChoice {
  std::vector<std::string> of;       ///< cases as --of takes them; empty: those of cases_to_tell()
  bool timeline = true;              ///< of the first: it is run once more with every rank on its own
};

/// Throws UserError (place: --of) when one of them fits none or several. Of an engine in a process of its own no case is told unless it is named.
std::vector<reports::Story> stories_of(const scenarios::Scenario& scenario, const reports::Report& report, const StoryChoice& choice,
                                       const scenarios::RunOptions& run, const Common& common);

/// What gave the answers that have no stories: analyses, run again where they can say why. Empty for engines that do not tell what they simulate.
std::vector<reports::Reason> reasons_of(const scenarios::Scenario& scenario, const scenarios::RunOptions& run, const Common& common);

/// Whether `of` may mean a simulated case of the scenario.
bool names_a_case(const scenarios::Scenario& scenario, const std::string& of, const scenarios::RunOptions& run);

}  // namespace weft::cli
