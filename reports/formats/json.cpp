// JSON: input, result and system of a run (schema weft-result/1), one row a line; listings as arrays of rows.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/render.h"
#include "sim/core/error.h"
#include "sim/core/row_json.h"

namespace weft::reports {

Format json_format();

namespace {

Json json_of(const Row& row) { return row_to_json(row); }

Json json_of(const ConstantUsed& c) {
  return {{"name", c.name}, {"value", c.value}, {"origin", to_text(c.origin)}, {"source", c.source}};
}

Json json_of(const Expectation& e) {
  if (!e.not_reproducible.empty()) {   // neither met nor missed
    return {{"of", e.of}, {"value", e.value}, {"got", e.got}, {"error_pct", e.error_pct}, {"not_reproducible", e.not_reproducible}, {"source", e.source}};
  }
  Json out = {{"of", e.of},
              {"value", e.value},
              {"got", e.got},
              {"error_pct", e.error_pct},
              {"tolerance_pct", e.tolerance_pct},
              {"pass", e.pass},
              {"source", e.source}};
  if (!e.kind.empty()) out["kind"] = e.kind;
  if (!e.known_miss.empty()) out["known_miss"] = e.known_miss;
  return out;
}

Json json_of(const InputDifference& d) {
  return {{"variant", d.variant}, {"pointer", d.pointer}, {"base", d.base}, {"value", d.value}};
}

Json json_of(const std::string& text) { return text; }

Json explanations(const Table& table) {
  Json out = Json::object();
  for (const auto* docs : {&table.label_columns, &table.columns}) {
    for (const ColumnDoc& d : *docs) out[d.name] = d.text;
  }
  return out;
}

/// An object's members, written one under the other; values are texts already.
class Members {
 public:
  explicit Members(std::size_t indent) : indent_(indent) {}
  void add(const std::string& key, const std::string& value) {
    text_ += fmt::format("{}\n{:{}}{}: {}", text_.empty() ? "" : ",", "", indent_ + 2, dump_json(Json(key)), value);
  }
  /// An array with one element a line, so that a change of one row is a change of one line.
  template <class T>
  void add_lines(const std::string& key, const std::vector<T>& items) {
    std::string lines;
    for (const T& item : items) {
      lines += fmt::format("{}\n{:{}}{}", lines.empty() ? "" : ",", "", indent_ + 4, dump_json(json_of(item)));
    }
    add(key, lines.empty() ? "[]" : fmt::format("[{}\n{:{}}]", lines, "", indent_ + 2));
  }
  std::string object() const { return fmt::format("{{{}\n{:{}}}}", text_, "", indent_); }

 private:
  std::size_t indent_;
  std::string text_;
};

/// Indented text of a value that stands `indent` deep. (A JSON text holds no line break but those of its layout.)
std::string nested(const Json& value, std::size_t indent) {
  std::string out;
  for (char c : dump_json(value, 2)) {
    out += c;
    if (c == '\n') out.append(indent, ' ');
  }
  return out;
}

std::string comparison_text(const Comparison& comparison) {
  Members members(4);
  members.add("base", dump_json(Json(comparison.base)));
  members.add_lines("rows", comparison.rows);
  members.add_lines("input", comparison.input);
  members.add_lines("notes", comparison.notes);
  return members.object();
}

std::string result_text(const Report& report) {
  Members result(2);
  std::vector<Row> rows;
  Json columns = Json::object();
  if (!report.headline.empty()) result.add("headline", dump_json(Json(report.headline)));
  for (const Table& table : report.tables) {
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
    columns[table.id] = explanations(table);
  }
  result.add_lines("rows", rows);
  result.add_lines("bounds", report.bounds);
  result.add_lines("notes", report.notes);
  if (report.comparison) result.add("comparison", comparison_text(*report.comparison));
  if (!report.expectations.empty()) result.add_lines("expectations", report.expectations);
  result.add_lines("constants", report.constants);
  result.add("columns", nested(columns, 4));
  return result.object();
}

std::string system_text(const System& system) {
  Members members(2);
  members.add("version", dump_json(Json(system.version)));
  members.add("seed", dump_json(Json(system.seed)));
  members.add("engine", dump_json(Json(system.engine)));
  if (system.time_tolerance > 0) members.add("time_tolerance", dump_json(Json(system.time_tolerance)));
  members.add("calibrations", nested(Json(system.calibrations), 4));
  if (!system.cost_model.empty()) members.add("cost_model", dump_json(Json(system.cost_model)));
  if (!system.calibration_files.empty()) members.add("calibration_files", dump_json(Json(system.calibration_files)));
  if (system.forced) members.add("forced", "true");
  if (system.draws > 0) members.add("draws", dump_json(Json(system.draws)));
  if (!system.folded.empty()) members.add_lines("folded", system.folded);
  return members.object();
}

std::string report_text(const Report& report, const RenderOptions&) {
  WEFT_CHECK(report.input != nullptr, "a report without its input cannot be written as JSON");
  Members members(0);
  members.add("schema", "\"weft-result/1\"");
  members.add("input", nested(*report.input, 2));
  members.add("result", result_text(report));
  members.add("system", system_text(report.system));
  return members.object() + "\n";
}

std::string listing_text(const Listing& listing, const RenderOptions&) {
  Members members(0);
  if (!listing.schema.empty()) members.add("schema", dump_json(Json(listing.schema)));
  if (!listing.headline.empty()) members.add("headline", dump_json(Json(listing.headline)));
  for (const Table& table : listing.tables) members.add_lines(table.id, table.rows);
  if (!listing.notes.empty()) members.add_lines("notes", listing.notes);
  return members.object() + "\n";
}

}  // namespace

Format json_format() { return {"json", "JSON with input, result and system", {".json"}, report_text, listing_text}; }

}  // namespace weft::reports
