// A PointResult: what one point of a sweep gave, as it travels from a worker and into a points file.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/report.h"

namespace weft::scenarios {

struct PointResult {
  std::vector<reports::Table> tables;    ///< as the run's, rows with variant and workload in front
  std::vector<std::string> warnings;
  std::optional<std::string> error;      ///< why the point failed; then there is nothing else
};

/// One line of text without a line break: {"point": N, "tables": [...], "warnings": [...]} or {"point": N, "error": "..."}.
std::string to_line(std::size_t point, const PointResult& result);

/// The number of the point and its result. Throws UserError (file: `where`) for a line that to_line() did not write.
std::pair<std::size_t, PointResult> read_line(const std::string& line, const std::string& where);

/// Collects points into a listing: each row is led by what is set at its point, each table has the columns of all.
class Gather {
 public:
  explicit Gather(std::vector<std::string> pointers) : pointers_(std::move(pointers)) {}

  /// `lead` is what is set there (Grid::lead). Points are added in the order of the grid.
  void add(const Row& lead, PointResult point);

  /// One table a workload, and "failed" for points that failed, if any; schema weft-sweep/1. Takes the rows: to be asked for once.
  reports::Listing listing();
  std::size_t failed() const { return failed_.size(); }
  /// What points warned of, each warning once, with the first of its points.
  std::vector<std::string> warnings() const;

 private:
  struct Warned {
    std::string text;
    Row first;
    std::size_t points = 0;
  };
  reports::Table& table_of(const reports::Table& like);
  std::vector<ColumnDoc> axis_docs() const;

  std::vector<std::string> pointers_;
  std::size_t points_ = 0;
  std::vector<reports::Table> tables_;
  std::vector<Row> failed_;
  std::vector<Warned> warned_;
};

}  // namespace weft::scenarios
