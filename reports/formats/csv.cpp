// CSV: one header for all rows (RFC 4180 quoting, lines end in LF), numbers in shortest exact form.
#include <algorithm>

#include "reports/cells.h"
#include "reports/render.h"

namespace weft::reports {

Format csv_format();

namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

/// Columns of all rows, each where it first stands. A row without a column leaves its field empty.
std::string text_of(const std::vector<Row>& rows, std::vector<std::string> columns) {
  for (const Row& row : rows) {
    for (const auto& [name, cell] : row.cells()) {
      if (std::ranges::find(columns, name) == columns.end()) columns.push_back(name);
    }
  }
  std::string out;
  for (const std::string& name : columns) out += (&name == &columns.front() ? "" : ",") + quoted(name);
  out += "\n";
  for (const Row& row : rows) {
    for (const std::string& name : columns) {
      const Cell* cell = row.find(name);
      out += (&name == &columns.front() ? "" : ",") + (cell == nullptr ? std::string() : quoted(exact_text(*cell)));
    }
    out += "\n";
  }
  return out;
}

std::string report_text(const Report& report, const RenderOptions&) {
  if (report.comparison) return text_of(report.comparison->rows, {"workload"});
  std::vector<Row> rows;
  for (const Table& table : report.tables) rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  return text_of(rows, {"variant", "workload"});
}

/// Several tables are told apart by a column `table`.
std::string listing_text(const Listing& listing, const RenderOptions&) {
  std::vector<Row> rows;
  for (const Table& table : listing.tables) {
    for (const Row& row : table.rows) {
      Row out;
      if (listing.tables.size() > 1) out.set("table", table.id);
      for (const auto& [name, cell] : row.cells()) out.set(name, cell);
      rows.push_back(std::move(out));
    }
  }
  std::vector<std::string> columns;
  if (listing.tables.size() == 1) {
    for (const auto* docs : {&listing.tables.front().label_columns, &listing.tables.front().columns}) {
      for (const ColumnDoc& d : *docs) columns.push_back(d.name);
    }
  }
  return text_of(rows, columns);
}

}  // namespace

Format csv_format() { return {"csv", "comma-separated rows", {".csv"}, report_text, listing_text}; }

}  // namespace weft::reports
