#include "scenarios/studies/point_result.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/cell_text.h"
#include "sim/core/json.h"
#include "sim/core/row_json.h"

namespace weft::scenarios {
namespace {

Json docs_json(const std::vector<ColumnDoc>& docs) {
  Json out = Json::array();
  for (const ColumnDoc& d : docs) {
    out.push_back({d.name, d.text});
    if (d.detail) out.back().push_back(true);
  }
  return out;
}

std::vector<ColumnDoc> read_docs(JsonReader list) {
  std::vector<ColumnDoc> out;
  if (!list.is_array()) list.fail("expected a list of columns");
  for (const JsonReader& d : list.items()) {
    const Json& v = d.value();
    const bool good = v.is_array() && (v.size() == 2 || v.size() == 3) && v[0].is_string() && v[1].is_string() && (v.size() == 2 || v[2].is_boolean());
    if (!good) d.fail("expected the name and the meaning of a column");
    else out.push_back({v[0].get<std::string>(), v[1].get<std::string>(), v.size() == 3 && v[2].get<bool>()});
  }
  return out;
}

Row read_row(JsonReader r) {
  Row row;
  if (!r.expect_object("a row")) return row;
  for (const auto& [name, cell] : r.members()) {
    if (const auto value = cell_of_json(cell.value())) row.set(name, *value);
    else cell.fail("expected a number, a text, true or false");
  }
  return row;
}

reports::Table read_table(JsonReader r) {
  reports::Table t;
  if (!r.expect_object("a table")) return t;
  t.id = r.string("id");
  t.kind = r.string("kind", "");
  t.title = r.string("title", "");
  t.label_columns = read_docs(r.at("labels"));
  t.columns = read_docs(r.at("columns"));
  const JsonReader rows = r.at("rows");
  if (!rows.is_array()) rows.fail("expected a list of rows");
  for (const JsonReader& row : rows.items()) t.rows.push_back(read_row(row));
  r.done();
  return t;
}

void add_docs(std::vector<ColumnDoc>& all, const std::vector<ColumnDoc>& more) {
  for (const ColumnDoc& d : more) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const ColumnDoc& k) { return k.name == d.name; });
    if (!known) all.push_back(d);
  }
}

}  // namespace

std::string to_line(std::size_t point, const PointResult& result) {
  Json line = {{"point", point}};
  if (result.error) {
    line["error"] = *result.error;
    return dump_json(line);
  }
  Json tables = Json::array();
  for (const reports::Table& t : result.tables) {
    Json rows = Json::array();
    for (const Row& r : t.rows) rows.push_back(row_to_json(r));
    tables.push_back({{"id", t.id}, {"kind", t.kind}, {"title", t.title}, {"labels", docs_json(t.label_columns)}, {"columns", docs_json(t.columns)},
                      {"rows", std::move(rows)}});
  }
  line["tables"] = std::move(tables);
  line["warnings"] = result.warnings;
  return dump_json(line);
}

std::pair<std::size_t, PointResult> read_line(const std::string& text, const std::string& where) {
  Problems problems;
  const Json line = parse_json(text, where);
  JsonReader r(line, where, problems);
  std::pair<std::size_t, PointResult> out;
  if (r.expect_object("a point of a sweep")) {
    out.first = static_cast<std::size_t>(r.integer("point", 0));
    if (r.has("error")) {
      out.second.error = r.string("error");
    } else {
      const JsonReader tables = r.at("tables"), warnings = r.at("warnings");
      if (!tables.is_array()) tables.fail("expected a list of tables");
      for (const JsonReader& t : tables.items()) out.second.tables.push_back(read_table(t));
      if (!warnings.is_array()) warnings.fail("expected a list of warnings");
      for (const JsonReader& w : warnings.items()) out.second.warnings.push_back(w.as_string());
    }
    r.done();
  }
  problems.throw_if_any();
  return out;
}

std::vector<ColumnDoc> Gather::axis_docs() const {
  std::vector<ColumnDoc> docs;
  for (const std::string& p : pointers_) docs.push_back({p, "the value set at this place of the scenario"});
  return docs;
}

reports::Table& Gather::table_of(const reports::Table& like) {
  auto at = std::find_if(tables_.begin(), tables_.end(), [&](const reports::Table& k) { return k.id == like.id; });
  if (at == tables_.end()) {
    reports::Table fresh;
    fresh.id = like.id;
    fresh.kind = like.kind;
    fresh.title = like.title;
    fresh.label_columns = axis_docs();
    fresh.label_columns.push_back({"variant", "variant of the scenario"});
    fresh.label_columns.push_back({"workload", "id of the workload"});
    tables_.push_back(std::move(fresh));
    at = tables_.end() - 1;
  }
  add_docs(at->label_columns, like.label_columns);
  add_docs(at->columns, like.columns);
  return *at;
}

void Gather::add(const Row& lead, PointResult point) {
  ++points_;
  if (point.error) {
    Row row = lead;
    failed_.push_back(row.set("error", *point.error));
    return;
  }
  for (std::string& text : point.warnings) {
    auto known = std::find_if(warned_.begin(), warned_.end(), [&](const Warned& k) { return k.text == text; });
    if (known == warned_.end()) warned_.push_back({std::move(text), lead, 0}), known = warned_.end() - 1;
    ++known->points;
  }
  for (reports::Table& t : point.tables) {
    reports::Table& table = table_of(t);
    for (const Row& r : t.rows) {
      Row row = lead;
      for (const auto& [name, cell] : r.cells()) row.set(name, cell);
      table.rows.push_back(std::move(row));
    }
  }
}

reports::Listing Gather::listing() {
  reports::Listing out;
  out.schema = "weft-sweep/1";
  out.tables = std::move(tables_);
  if (!failed_.empty()) {
    reports::Table t;
    t.id = "failed";
    t.title = "Points that failed";
    t.label_columns = axis_docs();
    t.columns = {{"error", "why the point has no result"}};
    t.rows = failed_;
    out.tables.push_back(std::move(t));
  }
  return out;
}

std::vector<std::string> Gather::warnings() const {
  std::vector<std::string> all;
  for (const Warned& w : warned_) {
    std::string where;
    for (const auto& [pointer, cell] : w.first.cells()) where += fmt::format("{}{}={}", where.empty() ? "" : ", ", pointer, exact_text(cell));
    const std::string more = w.points > 1 ? fmt::format(" and {} more point{}", w.points - 1, w.points > 2 ? "s" : "") : "";
    all.push_back(w.points == points_ ? w.text : fmt::format("{}{}: {}", where, more, w.text));
  }
  return all;
}

}  // namespace weft::scenarios
