// Cells as text (sim/core/cell_text.h), and the check that a table may be shown at all.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "reports/report.h"
#include "sim/core/cell_text.h"

namespace weft::reports {

using core::exact_text;
using core::fixed_text;
using core::is_number;
using core::number_of;
using core::readable_text;
using core::significant_text;

/// "row 3 (variant MPFT, gpus 16)": the first few cells of a row, for messages. `index` counts from 0, the text from 1.
std::string describe_row(const Row& row, std::size_t index);

/// What expectations that are judged prove: "3 predicted, 1 calibrated, 6 identities"; empty where nobody said.
std::string kinds_text(const std::vector<Expectation>& expectations);

/// Throws RunError naming table, row and column when a cell is an empty text or stands neither in the table's column
/// lists nor in `extra`, or when a column's meaning is empty.
void check_table(const Table& table, std::span<const std::string_view> extra);

}  // namespace weft::reports
