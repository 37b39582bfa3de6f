// Which cases of a scenario a page tells in full.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/cell_path.h"
#include "scenarios/studies/explain.h"

namespace weft::cli {

/// What the headline compares: the base variant's case and the variant's whose time is furthest from it. Where it compares none, its first simulated
/// case (without a headline the longest of the base variant), and the same of a variant with another network, else of the one that differs most.
/// Empty when nothing is simulated.
std::vector<std::string> cases_to_tell(const std::vector<scenarios::Explainable>& all, const reports::Report& report, const std::vector<scenarios::CellPath>& headline);

/// Seconds that a case took by the report's rows: the longest time among the rows with its labels; 0 when they have none.
double time_of(const reports::Report& report, const scenarios::Explainable& one);

}  // namespace weft::cli
