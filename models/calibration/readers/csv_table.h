// A CsvTable: the rows of a CSV file by the names of its columns; every problem names FILE:LINE and the column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/readers/lines.h"

namespace weft::models {

class CsvTable {
 public:
  /// Reads the header. Throws UserError when there is none or a name stands twice.
  explicit CsvTable(const MeasurementText& file);

  /// The next row; false at the end. Rows with another number of cells than the header are problems and passed over.
  bool next();
  std::size_t line() const { return records_.line(); }
  std::string place() const { return line_place(path_, line()); }

  const std::vector<std::string>& columns() const { return columns_; }
  bool has(std::string_view column) const { return index(column) >= 0; }
  /// Position of a column; below zero when there is none.
  int index(std::string_view column) const;
  std::string_view cell(int column) const { return cells_[static_cast<std::size_t>(column)]; }
  /// Adds a problem unless the cell is a finite number of at least `least`.
  double number(int column, double least = 0);
  /// Microseconds from a cell that counts in units of `unit_us`; a problem unless it is positive and finite (zero too with `may_be_zero`).
  double time_us(int column, double unit_us, bool may_be_zero = false);

  bool row_is_good() const { return good_; }       ///< no problem in this row so far
  LineProblems& problems() { return problems_; }
  /// Throws what was found; throws too when there was no row at all.
  void finish() const;

 private:
  std::string path_;
  CsvRecords records_;
  LineProblems problems_;
  std::vector<std::string> columns_;
  std::vector<std::string_view> cells_;
  std::size_t rows_ = 0;
  bool good_ = true;
};

/// The header's cells, for recognising; empty when the text has no comma in its first line.
std::vector<std::string> csv_header(const MeasurementText& file);

}  // namespace weft::models
