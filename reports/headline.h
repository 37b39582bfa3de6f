// automatic_headline(): what a report comes to in a sentence or two, where nobody has written one.
#pragma once

#include <string>

#include "reports/report.h"

namespace weft::reports {

/// The quantity that a column of results has, judged by the unit in its name.
struct Measure {
  enum class What { none, time, price, rate };
  What what = What::none;
  std::string unit;   ///< "us", "million USD", "GB/s"
};

/// A time (step_time_s), a price (price_MUSD) or a throughput (busbw_GBps, tokens_per_s); bounds and gaps are none.
Measure measure_of(const std::string& column);

/// The column that a table is about: its first time, price or throughput with a number in the first row; null when it has none.
const ColumnDoc* main_column(const Table& table);

/// With several variants the largest change of a time, price or throughput against the base, and how close the others are; with one variant what
/// its main column is or spans; with expectations how many are met and the worst miss. Empty when a report has nothing of that.
std::string automatic_headline(const Report& report);

}  // namespace weft::reports
