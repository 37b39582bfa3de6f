#include "models/calibration/readers/csv_table.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace weft::models {

CsvTable::CsvTable(const MeasurementText& file) : path_(file.path), records_(file.text, file.path), problems_(file.path) {
  if (!records_.next(cells_)) throw UserError({{path_, "", "there is no header line", "the first line names the columns"}});
  for (const std::string_view name : cells_) {
    const std::string column(name);
    if (column.empty()) problems_.add(line(), "a column without a name");
    if (std::find(columns_.begin(), columns_.end(), column) != columns_.end()) {
      problems_.add(line(), fmt::format("the column \"{}\" stands here twice", column));
    }
    columns_.push_back(column);
  }
  problems_.throw_if_any();
}

bool CsvTable::next() {
  while (records_.next(cells_)) {
    ++rows_;
    good_ = true;
    if (cells_.size() == columns_.size()) return true;
    problems_.add(line(), fmt::format("{} cells where the header has {} columns", cells_.size(), columns_.size()),
                  cells_.size() < columns_.size() ? "the line seems to be cut off" : "quote a cell that holds a comma");
  }
  return false;
}

int CsvTable::index(std::string_view column) const {
  const auto at = std::find(columns_.begin(), columns_.end(), column);
  return at == columns_.end() ? -1 : static_cast<int>(at - columns_.begin());
}

double CsvTable::number(int column, double least) {
  const std::optional<double> value = number_in(cell(column));
  const std::string& name = columns_[static_cast<std::size_t>(column)];
  if (!value || !std::isfinite(*value)) {
    problems_.add(line(), fmt::format("expected a number, got \"{}\"", cell(column)), {}, name);
  } else if (*value < least) {
    problems_.add(line(), fmt::format("expected at least {}, got {}", least, *value), {}, name);
  } else {
    return *value;
  }
  good_ = false;
  return least;
}

double CsvTable::time_us(int column, double unit_us, bool may_be_zero) {
  const std::optional<double> value = number_in(cell(column));
  const std::string& name = columns_[static_cast<std::size_t>(column)];
  std::string why;
  if (!value) {
    why = fmt::format("expected a time, got \"{}\"", cell(column));
  } else {
    why = time_problem(*value * unit_us);
    if (may_be_zero && *value == 0) why.clear();
  }
  if (why.empty()) return *value * unit_us;
  problems_.add(line(), why, "a measured time is positive and finite; take the line out", name);
  good_ = false;
  return 1;
}

void CsvTable::finish() const {
  problems_.throw_if_any();
  if (rows_ == 0) throw UserError({{path_, "", "there is a header and no row below it", "the file seems to be cut off"}});
}

std::vector<std::string> csv_header(const MeasurementText& file) {
  std::vector<std::string> names;
  std::vector<std::string_view> cells;
  // A header with a quote that never ends within this much text is none.
  const std::string_view begin = beginning(file, 16384);
  if (begin.find('"') != std::string_view::npos && begin.find_first_not_of(" \t\r\n") != std::string_view::npos &&
      (begin[begin.find_first_not_of(" \t\r\n")] == '{' || begin[begin.find_first_not_of(" \t\r\n")] == '[')) {
    return names;
  }
  try {
    CsvRecords records(begin, file.path);
    if (records.next(cells) && cells.size() > 1) names.assign(cells.begin(), cells.end());
  } catch (const UserError&) {
    names.clear();
  }
  return names;
}

}  // namespace weft::models
