#include "reports/bars.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "reports/cells.h"
#include "reports/headline.h"

namespace weft::reports {
namespace {

constexpr std::size_t kWidth = 10, kFewest = 3, kMost = 60;

bool is_share(const std::string& column) {
  // Gaps, errors and tolerances are percent too, but no part of anything.
  static constexpr std::array<std::string_view, 5> kOther = {"gap_pct", "error_pct", "tolerance_pct", "mean_error_pct", "max_error_pct"};
  return (column.ends_with("_pct") || column.ends_with("_share")) && std::ranges::find(kOther, column) == kOther.end();
}

/// The numbers of a column, one a row; nothing when a row has none or a negative one.
std::optional<std::vector<double>> numbers_of(const Table& table, const std::string& column) {
  std::vector<double> values;
  for (const Row& r : table.rows) {
    const Cell* c = r.find(column);
    if (c == nullptr || !is_number(*c) || !(number_of(*c) >= 0)) return std::nullopt;
    values.push_back(number_of(*c));
  }
  return values;
}

struct Drawn {
  std::string column;
  std::vector<double> values;
  double full = 1;   ///< what a whole bar is
};

std::optional<Drawn> drawn_column(const Table& table) {
  if (table.rows.size() < kFewest || table.rows.size() > kMost) return std::nullopt;
  const auto compare = [](const std::vector<double>& v) { return std::ranges::max(v) - std::ranges::min(v) > 1e-3 * std::ranges::max(v); };
  for (const ColumnDoc& d : table.columns) {
    if (d.detail || !is_share(d.name)) continue;
    const double full = d.name.ends_with("_share") ? 1 : 100;
    const auto values = numbers_of(table, d.name);
    if (values && compare(*values) && std::ranges::max(*values) <= full * (1 + 1e-9)) return Drawn{d.name, *values, full};
  }
  const ColumnDoc* main = main_column(table);
  if (main == nullptr || main->detail) return std::nullopt;
  const auto values = numbers_of(table, main->name);
  constexpr double kFurthest = 100;
  if (!values || !compare(*values) || std::ranges::max(*values) > kFurthest * std::ranges::min(*values)) return std::nullopt;
  return Drawn{main->name, *values, std::ranges::max(*values)};
}

}  // namespace

std::string bar(double share, std::size_t width) {
  static constexpr std::array<const char*, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (!(share > 0)) return {};
  const auto eighths = static_cast<std::size_t>(std::clamp(std::round(8 * share * static_cast<double>(width)), 1.0, 8.0 * static_cast<double>(width)));
  std::string out;
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "█";
  return out + kEighths[eighths % 8];
}

void add_bars(Sheet& sheet, const Table& table) {
  const auto drawn = drawn_column(table);
  if (!drawn) return;
  const auto at = std::ranges::find(sheet.columns, drawn->column, &Sheet::Column::header);
  if (at == sheet.columns.end()) return;
  Sheet::Column bars{"", false, {}, true};
  for (const double v : drawn->values) bars.cells.push_back(bar(v / drawn->full, kWidth));
  sheet.columns.insert(at + 1, std::move(bars));
}

}  // namespace weft::reports
