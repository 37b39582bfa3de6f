// Curves of a report's tables: what came out over a label that is a number, beside expected points.
#pragma once

#include <vector>

#include "reports/page/page.h"

namespace weft::reports {

/// For every table whose rows have a label with three numbers or more (size_B, gpus, ep): times and rates over it, a line for each variant and other
/// labels, and a chart of its own for each value of another label where lines would be too many. Expected values of the report are the expected
/// points; bands are the columns _p5 and _p95.
std::vector<Curve> curves_of(const Report& report);

}  // namespace weft::reports
