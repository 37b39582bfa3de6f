// Designs: the rows of a sweep's tables that belong to one point and one variant, found by each other.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "reports/report.h"

namespace weft::scenarios {

/// An index of a listing that a sweep gathered; keep the listing alive and unchanged.
class Designs {
 public:
  struct Place {
    std::size_t table = 0, row = 0;
  };

  explicit Designs(const reports::Listing& listing);

  const reports::Table& table(std::size_t t) const { return listing_.tables[t]; }
  const Row& row(Place at) const { return listing_.tables[at.table].rows[at.row]; }
  /// Tables of results: all but that of points that failed.
  const std::vector<std::size_t>& results() const { return results_; }
  /// Rows of `table` that belong to the design of a row and agree with it in the labels that both have (gpus, size_B). Where no two rows of the two tables
  /// agree in that design, the labels mean different things (a mean over ranks, and ranks): then all its rows there.
  std::vector<Place> beside(Place at, std::size_t table) const;
  /// What names a row's design: its point and its variant.
  std::string design_of(const Row& row) const { return key_of(row); }
  /// All rows of the tables of results, by design, in the order in which designs first stand.
  const std::vector<std::vector<Place>>& all() const { return designs_; }
  /// The table of "table.column" and its column; or no table, when none is called so.
  std::pair<const reports::Table*, std::string> split(const std::string& name) const;
  std::size_t place_of(const reports::Table* table) const;
  /// Every column of the tables of results, and each as table.column too.
  std::vector<std::string> columns() const;
  bool has_column(const std::string& name) const;
  static bool has_column(const reports::Table& table, const std::string& column);
  /// Calls `unknown` with a hint (the nearest columns) when there is no such column, neither plain nor as table.column, and none of `allowed` is called so.
  void check(const std::string& name, const std::vector<std::string>& allowed, const std::function<void(const std::string& hint)>& unknown) const;

 private:
  std::string key_of(const Row& row) const;
  bool agree(Place a, Place b) const;

  const reports::Listing& listing_;
  std::vector<std::string> key_columns_;                  // axes and variant
  std::vector<std::size_t> results_;
  std::vector<std::vector<Place>> designs_;
  std::map<std::string, std::size_t> by_key_;             // key to place in designs_
  std::vector<std::vector<std::string>> labels_;          // of each table, those that are no part of the key
};

}  // namespace weft::scenarios
