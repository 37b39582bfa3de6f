// JSON Lines: one row a line, each a JSON object that begins with its table.
#include <nlohmann/json.hpp>

#include "reports/render.h"
#include "sim/core/json.h"
#include "sim/core/row_json.h"

namespace weft::reports {

Format jsonl_format();

namespace {

void add_line(std::string& out, const std::string& table, const Row& row) {
  Json line = {{"table", table}};
  line.update(row_to_json(row));
  out += dump_json(line) + "\n";
}

std::string text_of(const std::vector<Table>& tables) {
  std::string out;
  for (const Table& table : tables) {
    for (const Row& row : table.rows) add_line(out, table.id, row);
  }
  return out;
}

/// A comparison gives its long form.
std::string report_text(const Report& report, const RenderOptions&) {
  if (!report.comparison) return text_of(report.tables);
  std::string out;
  for (const Row& row : report.comparison->rows) add_line(out, "comparison", row);
  return out;
}

std::string listing_text(const Listing& listing, const RenderOptions&) { return text_of(listing.tables); }

}  // namespace

Format jsonl_format() { return {"jsonl", "JSON Lines: one row a line", {".jsonl"}, report_text, listing_text}; }

}  // namespace weft::reports
