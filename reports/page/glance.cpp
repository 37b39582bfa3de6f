#include "reports/page/glance.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "reports/cells.h"

namespace weft::reports {
namespace {

constexpr double kSame = 1e-6;   // of a value: the rounding of a simulation, and more than five digits show

bool numeric(const Table& table, const std::string& column) {
  const auto at = std::ranges::find_if(table.rows, [&](const Row& r) { return r.find(column) != nullptr; });
  return at != table.rows.end() && is_number(*at->find(column));
}

/// What stands in all labels of a row.
std::string labels_of(const Table& table, const Row& row) {
  std::string out;
  for (const ColumnDoc& label : table.label_columns) {
    const Cell* cell = row.find(label.name);
    if (cell != nullptr) out += fmt::format("{}{}={}", out.empty() ? "" : ", ", label.name, exact_text(*cell));
  }
  return out;
}

bool sums_up(const Table& table, const Row& row) {
  static const std::vector<std::string> words = {"mean", "all", "total", "day", "average", "whole"};
  return std::ranges::any_of(table.label_columns, [&](const ColumnDoc& label) {
    const Cell* cell = row.find(label.name);
    const auto* text = cell == nullptr ? nullptr : std::get_if<std::string>(cell);
    return text != nullptr && std::ranges::find(words, *text) != words.end();
  });
}

bool is_of(const Row& row, const std::string& variant) {
  const Cell* cell = row.find("variant");
  return cell != nullptr && exact_text(*cell) == variant;
}

/// The base's row that stands for the table: one that sums up, else its last.
const Row* chosen_row(const Table& table, const std::string& base, const std::string& column) {
  const Row* chosen = nullptr;
  for (const Row& row : table.rows) {
    if (!is_of(row, base) || row.find(column) == nullptr) continue;
    if (sums_up(table, row)) return &row;
    chosen = &row;
  }
  return chosen;
}

}  // namespace

std::string main_column(const Table& table) {
  using Wanted = bool (*)(std::string_view);
  static constexpr std::array<Wanted, 6> wanted = {
      [](std::string_view n) { return n.starts_with("goodput"); },
      [](std::string_view n) { return n.starts_with("price") && n.ends_with("USD"); },
      [](std::string_view n) { return n.starts_with("total"); },
      [](std::string_view n) { return n.ends_with("_s") || n.ends_with("_ms") || n.ends_with("_us"); },
      [](std::string_view n) { return n.ends_with("Bps") || n.ends_with("tps") || n.ends_with("_per_s") || n == "tflops"; },
      [](std::string_view) { return true; }};
  for (const Wanted& want : wanted) {
    for (const ColumnDoc& c : table.columns) {
      if (!c.detail && c.name != "bound_us" && want(c.name) && numeric(table, c.name)) return c.name;
    }
  }
  return {};
}

std::vector<KeyFigure> key_figures(const Report& report) {
  std::vector<KeyFigure> out;
  if (report.variants.empty()) return out;
  for (const Table& table : report.tables) {
    const std::string column = main_column(table);
    const Row* base = column.empty() ? nullptr : chosen_row(table, report.variants.front(), column);
    if (base == nullptr) continue;
    const std::string labels = labels_of(table, *base);
    const auto rows = std::ranges::count_if(table.rows, [&](const Row& r) { return is_of(r, report.variants.front()); });
    KeyFigure figure{table.id, column, rows > 1 ? labels : "", {}};
    for (const std::string& variant : report.variants) {
      const auto at = std::ranges::find_if(table.rows, [&](const Row& r) { return is_of(r, variant) && labels_of(table, r) == labels; });
      const Cell* cell = at == table.rows.end() ? nullptr : at->find(column);
      figure.values.push_back(cell != nullptr && is_number(*cell) ? std::optional(number_of(*cell)) : std::nullopt);
    }
    out.push_back(std::move(figure));
  }
  return out;
}

std::string change_text(double value, double base) {
  if (base == 0) return value == 0 ? "same" : "";
  const double ratio = value / base;
  if (std::abs(ratio - 1) < kSame) return "same";
  if (ratio > 2) return fmt::format("x {:.3g}", ratio);
  return fmt::format("{:+.2g} %", 100 * (ratio - 1));
}

}  // namespace weft::reports
