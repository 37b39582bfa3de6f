// The figures of a report that a reader looks for first: one column a workload, one row a variant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"

namespace weft::reports {

/// The column that tells most about a table: its price, total, time, rate, else its first number. Empty when it has no number.
std::string main_column(const Table& table);

/// One cell of every variant.
struct KeyFigure {
  std::string workload, column;
  std::string labels;                ///< "gpus=128, size_B=17179869184": the case; empty when there is but one
  std::vector<std::optional<double>> values;   ///< one a variant of the report; none where a variant lacks the row
};

/// At most one of each table, in their order: of its main column, in the case that is a mean or total, else in the last.
std::vector<KeyFigure> key_figures(const Report& report);

/// "+3.2 %", or "x 4.1" where it is more than twice as much, against the base.
std::string change_text(double value, double base);

}  // namespace weft::reports
