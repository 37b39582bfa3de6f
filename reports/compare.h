// Comparing: variants of one report, or reports of several scenarios, held against the first.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "reports/report.h"

namespace weft::reports {

/// Compares rows with equal workload and labels between the first variant and each other one. `input` is left empty.
/// Throws UserError when the report has fewer than two variants, RunError when two rows of a variant have one key.
Comparison compare_variants(const Report& report);

/// Every place where two resolved inputs differ, deepest pointers, in the order of the base.
std::vector<InputDifference> input_differences(const Json& base, const Json& other, const std::string& variant);

/// One report out of several: variants become "NAME" (one variant in that report) or "NAME: variant"; tables with equal
/// id are joined. Its input holds every scenario under its name; title, question, source and system are the first's.
/// Throws UserError when two tables of one id have different kinds. Shapes: one name a report.
Report join(std::span<const Report> reports, std::span<const std::string> names);

}  // namespace weft::reports
