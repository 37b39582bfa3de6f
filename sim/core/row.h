// One line of a result: named cells in order; the name of a cell carries its unit (time_us, price_usd).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weft::core {

/// A whole number, a real number, a truth value or a word.
using Cell = std::variant<std::int64_t, double, bool, std::string>;

/// Cells in the order in which they are shown. Absent is absent: a row never holds an empty or NaN cell.
class Row {
 public:
  /// Adds or replaces a cell. A double must be finite.
  Row& set(std::string name, Cell value);
  const Cell* find(std::string_view name) const;
  /// The cell as a number; throws std::out_of_range when absent or not a number.
  double number(std::string_view name) const;
  const std::vector<std::pair<std::string, Cell>>& cells() const { return cells_; }

 private:
  std::vector<std::pair<std::string, Cell>> cells_;
};

/// What a column means, for `weft show` and for table footers.
struct ColumnDoc {
  std::string name;
  std::string text;
  bool detail = false;   ///< left out where a page compares variants, and of tables for people that are wider than 200 characters; all other outputs show it
};

}  // namespace weft::core

namespace weft { using namespace core; }
