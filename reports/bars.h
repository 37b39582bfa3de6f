// Bars: thin drawn columns beside a number, so that rows compare at a glance on a terminal.
#pragma once

#include <string>

#include "reports/sheet.h"

namespace weft::reports {

/// `share` (0 to 1) of `width` characters, in eighths of a character; something that is more than nothing shows.
std::string bar(double share, std::size_t width);

/// Puts a bar beside one column of the sheet: a share of at most 100 %, else the time, price or throughput that the table is about.
/// Nothing where there are fewer than three rows or more than 60, where all are equal, or where they lie further apart than a hundredfold.
void add_bars(Sheet& sheet, const Table& table);

}  // namespace weft::reports
