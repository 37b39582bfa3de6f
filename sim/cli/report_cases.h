// Which cases of a scenario a page tells in full.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/studies/explain.h"

namespace weft::cli {

/// The longest simulated case of the base variant, and the same case of the variant whose time is furthest from it, when there is one. Empty when
/// nothing is simulated.
std::vector<std::string> cases_to_tell(const std::vector<scenarios::Explainable>& all, const reports::Report& report);

/// Whether `of` may mean this case, as --of of `weft explain` takes it: its name, or variant, workload or both and some of its labels.
bool may_mean(const std::string& of, const scenarios::Explainable& one);

/// Seconds that a case took by the report's rows: the longest time among the rows with its labels; 0 when they have none.
double time_of(const reports::Report& report, const scenarios::Explainable& one);

}  // namespace weft::cli
