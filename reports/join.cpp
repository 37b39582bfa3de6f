// join(): several reports as one, so that scenarios can be held against each other.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/compare.h"
#include "sim/core/error.h"

namespace weft::reports {

namespace {

void add_docs(std::vector<ColumnDoc>& known, const std::vector<ColumnDoc>& more) {
  for (const ColumnDoc& doc : more) {
    if (std::ranges::find(known, doc.name, &ColumnDoc::name) == known.end()) known.push_back(doc);
  }
}

Table& table_for(std::vector<Table>& tables, const Table& like, const std::string& report_name) {
  const auto at = std::ranges::find(tables, like.id, &Table::id);
  if (at == tables.end()) {
    tables.push_back(like);
    tables.back().rows.clear();
    return tables.back();
  }
  if (at->kind != like.kind) {
    throw UserError(
        "/workload",
        fmt::format("\"{}\" is of kind {} in {} and of kind {} before it", like.id, like.kind, report_name, at->kind),
        "give workloads of different kinds different ids");
  }
  add_docs(at->label_columns, like.label_columns);
  add_docs(at->columns, like.columns);
  return *at;
}

/// The row with its variant under the new name.
Row renamed(const Row& row, const std::string& report_name, bool alone) {
  Row out;
  for (const auto& [name, cell] : row.cells()) {
    if (name != "variant") {
      out.set(name, cell);
    } else {
      out.set(name, alone ? report_name : report_name + ": " + exact_text(cell));
    }
  }
  return out;
}

template <class T>
void add_new(std::vector<T>& known, const std::vector<T>& more) {
  for (const T& item : more) {
    if (std::ranges::find(known, item) == known.end()) known.push_back(item);
  }
}

/// The inputs of all reports under their names, and their resolved variants under the names that they have here.
std::shared_ptr<const Json> joined_input(std::span<const Report> reports, std::span<const std::string> names) {
  Json scenarios = Json::object(), resolved = Json::array();
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (!reports[i].input) return nullptr;
    Json one = *reports[i].input;
    if (one.contains("resolved")) {
      for (Json variant : one["resolved"]) {
        const std::string own = variant["name"].get<std::string>();
        variant["name"] = reports[i].variants.size() == 1 ? names[i] : names[i] + ": " + own;
        resolved.push_back(std::move(variant));
      }
      one.erase("resolved");
    }
    scenarios[names[i]] = std::move(one);
  }
  return std::make_shared<const Json>(Json{{"scenarios", std::move(scenarios)}, {"resolved", std::move(resolved)}});
}

}  // namespace

Report join(std::span<const Report> reports, std::span<const std::string> names) {
  WEFT_CHECK(!reports.empty() && reports.size() == names.size(), "join() needs one name a report");
  Report out;
  out.title = reports.front().title;
  out.question = reports.front().question;
  out.source = reports.front().source;
  out.system = reports.front().system;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const Report& report = reports[i];
    const bool alone = report.variants.size() == 1;
    for (const std::string& v : report.variants) out.variants.push_back(alone ? names[i] : names[i] + ": " + v);
    for (const Table& table : report.tables) {
      Table& into = table_for(out.tables, table, names[i]);
      for (const Row& row : table.rows) into.rows.push_back(renamed(row, names[i], alone));
    }
    add_new(out.notes, report.notes);
    add_new(out.constants, report.constants);
    add_new(out.system.calibrations, report.system.calibrations);
    add_new(out.system.calibration_files, report.system.calibration_files);
    if (out.system.cost_model.empty()) out.system.cost_model = report.system.cost_model;
    out.system.forced = out.system.forced || report.system.forced;
    for (const Row& row : report.bounds) out.bounds.push_back(renamed(row, names[i], alone));
    for (const Row& row : report.system.folded) {
      const auto same = [&](const Row& known) { return known.cells() == row.cells(); };
      if (std::ranges::none_of(out.system.folded, same)) out.system.folded.push_back(row);
    }
    out.expectations.insert(out.expectations.end(), report.expectations.begin(), report.expectations.end());
  }
  out.input = joined_input(reports, names);
  return out;
}

}  // namespace weft::reports
