// How a comparison looks on a page: one line per labels and column, variants side by side.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "reports/cells.h"
#include "reports/sheet.h"

namespace weft::reports {

namespace {

// A bound belongs beside its time, in the plain rows; held against each other, bounds say nothing that times do not.
constexpr std::array<std::string_view, 2> left_to_other_formats = {"bound_us", "gap_pct"};

/// A line of the sheet: one column of the result under one set of labels.
struct Line {
  const Row* first = nullptr;  ///< any of its rows: labels, column and base are the same in all
  std::map<std::string, const Row*> by_variant;
};

/// Lines of one table, all labels of its first column first, then those of its second, and so on.
std::vector<Line> lines_of(const Table& table, const Comparison& comparison) {
  std::vector<Line> lines;
  for (const ColumnDoc& column : table.columns) {
    if (column.detail || std::ranges::find(left_to_other_formats, column.name) != left_to_other_formats.end()) continue;
    std::map<std::string, std::size_t> place;
    for (const Row& row : comparison.rows) {
      if (exact_text(*row.find("workload")) != table.id || exact_text(*row.find("column")) != column.name) continue;
      std::string key;
      for (const ColumnDoc& label : table.label_columns) {
        const Cell* cell = row.find(label.name);
        key += (cell == nullptr ? std::string() : exact_text(*cell)) + '\n';
      }
      const auto [at, fresh] = place.try_emplace(key, lines.size());
      if (fresh) lines.push_back({&row, {}});
      lines[at->second].by_variant[exact_text(*row.find("variant"))] = &row;
    }
  }
  return lines;
}

std::string delta_text(const Row& row) {
  const Cell* delta = row.find("delta");
  if (delta == nullptr) return *row.find("base") == *row.find("value") ? "same" : "differs";
  const double d = number_of(*delta);
  // Differences in the last bits are rounding, not science.
  const double scale = std::max(std::abs(number_of(*row.find("base"))), std::abs(number_of(*row.find("value"))));
  if (std::abs(d) <= 1e-9 * scale) return "0";
  return (d > 0 ? "+" : "") + readable_text(*delta);
}

/// Whether a variant has every line, each equal to the base's.
bool same_everywhere(const std::vector<Line>& lines, const std::string& variant) {
  return std::ranges::all_of(lines, [&](const Line& line) {
    const auto at = line.by_variant.find(variant);
    if (at == line.by_variant.end()) return false;
    const std::string delta = delta_text(*at->second);
    return delta == "0" || delta == "same";
  });
}

/// "a", "a and b", "a, b and c".
std::string enumeration(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " and " : "; ") + names[i];
  return text;
}

/// Value, delta and ratio of one variant.
std::array<Sheet::Column, 3> columns_of(const std::vector<Line>& lines, const std::string& variant) {
  std::array<Sheet::Column, 3> columns{{{variant, true, {}}, {"delta", true, {}}, {"ratio", true, {}}}};
  for (const Line& line : lines) {
    const auto at = line.by_variant.find(variant);
    if (at == line.by_variant.end()) {
      for (Sheet::Column& c : columns) c.cells.push_back("-");
      continue;
    }
    const Row& row = *at->second;
    const Cell* ratio = row.find("ratio");
    columns[0].cells.push_back(readable_text(*row.find("value")));
    columns[1].cells.push_back(delta_text(row));
    columns[2].cells.push_back(ratio == nullptr ? "-" : readable_text(*ratio));
  }
  return columns;
}

/// Labels, column name and base value: what every folded sheet begins with.
Sheet front(const Table& table, const std::string& base, const std::vector<Line>& lines) {
  Sheet sheet;
  sheet.title = table.title.empty() ? table.id : fmt::format("{}: {}", table.id, table.title);
  for (const ColumnDoc& label : table.label_columns) {
    Sheet::Column column{label.name, true, {}};
    bool any = false;
    for (const Line& line : lines) {
      const Cell* cell = line.first->find(label.name);
      column.cells.push_back(cell == nullptr ? "-" : readable_text(*cell));
      any = any || cell != nullptr;
      if (cell != nullptr && !is_number(*cell)) column.right = false;
    }
    if (!any) continue;
    sheet.columns.push_back(std::move(column));
    sheet.explained.push_back(label);
  }
  Sheet::Column name{"column", false, {}}, value{base, true, {}};
  for (const Line& line : lines) {
    name.cells.push_back(exact_text(*line.first->find("column")));
    value.cells.push_back(readable_text(*line.first->find("base")));
  }
  for (const ColumnDoc& doc : table.columns) {
    if (std::ranges::find(name.cells, doc.name) != name.cells.end()) sheet.explained.push_back(doc);
  }
  sheet.explained.push_back({"delta", "value minus that of " + base + "; 0 within 1e-9 of either"});
  sheet.explained.push_back({"ratio", "value over that of " + base});
  sheet.columns.push_back(std::move(name));
  sheet.columns.push_back(std::move(value));
  return sheet;
}

std::size_t width_of(const Sheet& sheet) {
  constexpr std::size_t gap = 2;
  std::size_t width = 0;
  for (const Sheet::Column& column : sheet.columns) width += column_width(column) + gap;
  return width;
}

}  // namespace

std::vector<Sheet> comparison_sheets(const Table& table, const Comparison& comparison, std::size_t width) {
  const std::vector<Line> lines = lines_of(table, comparison);
  if (lines.empty()) return {};
  const Sheet begin = front(table, comparison.base, lines);
  std::vector<Sheet> sheets{begin};
  bool empty = true;
  std::vector<std::string> same;
  for (const std::string& variant : comparison.others) {
    if (same_everywhere(lines, variant)) {
      same.push_back(variant);
      continue;
    }
    Sheet more;
    for (Sheet::Column& c : columns_of(lines, variant)) more.columns.push_back(std::move(c));
    if (!empty && width_of(sheets.back()) + width_of(more) > width) {
      sheets.push_back(begin);
      sheets.back().title += " (continued)";
    }
    empty = false;
    for (Sheet::Column& c : more.columns) sheets.back().columns.push_back(std::move(c));
  }
  if (!same.empty()) sheets.back().notes.push_back("The same as " + comparison.base + ": " + enumeration(same) + ".");
  const bool details = std::ranges::any_of(table.columns, [](const ColumnDoc& d) { return d.detail; });
  if (details) sheets.back().notes.push_back("More columns: weft run, or --format csv or json.");
  return sheets;
}

}  // namespace weft::reports
