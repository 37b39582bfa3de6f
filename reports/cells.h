// Cells as text: exact for machines, rounded for eyes; and the check that a table may be shown at all.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "reports/report.h"

namespace weft::reports {

/// The shortest text that reads back as the same value: 2048, 0.1, true, MPFT.
std::string exact_text(const Cell& cell);

/// For people: 2,048; 58.123 (five significant digits, no trailing zeros); 4.2e-05; yes.
std::string readable_text(const Cell& cell);
std::string readable_text(double value);
/// The same rounded to `digits` (1 to 9) that count: 21530 with three is 21,500.
std::string significant_text(double value, int digits);
/// With `decimals` behind the point and separators: 21,530.4.
std::string fixed_text(double value, int decimals);

bool is_number(const Cell& cell);
/// The cell as a double. Precondition: is_number().
double number_of(const Cell& cell);

/// "row 3 (variant MPFT, gpus 16)": the first few cells of a row, for messages. `index` counts from 0, the text from 1.
std::string describe_row(const Row& row, std::size_t index);

/// Throws RunError naming table, row and column when a cell is an empty text or stands neither in the table's column
/// lists nor in `extra`, or when a column's meaning is empty.
void check_table(const Table& table, std::span<const std::string_view> extra);

}  // namespace weft::reports
