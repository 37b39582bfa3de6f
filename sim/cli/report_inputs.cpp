#include "sim/cli/report_inputs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/compare.h"
#include "scenarios/runner.h"
#include "sim/cli/app.h"
#include "sim/core/error.h"
#include "sim/core/files.h"
#include "sim/core/row_json.h"

namespace weft::cli {
namespace {

constexpr std::size_t kMostShown = 5;       // differences in one message
constexpr double kRounding = 1e-6;          // relative: compilers differ in the last digits
constexpr std::size_t kMostBytes = std::size_t{256} << 20;   // of a file of points

[[noreturn]] void refuse(const std::string& file, const std::string& message, const std::string& hint) { throw UserError({{file, "", message, hint}}); }

/// Whether a text begins with the header of a points file, of whatever version: an object on a line of its own.
bool holds_points(const std::string& text) {
  const Json first = Json::parse(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(text.find('\n'), text.size())), nullptr, false);
  return first.is_object() && first.contains("schema") && first["schema"].is_string() && first["schema"].get<std::string>().starts_with("weft-sweep/");
}

/// A listing as the json format writes it: a list of rows under each table's id.
reports::Listing listing_of(const Json& document, const std::string& file) {
  reports::Listing out;
  out.schema = document["schema"].get<std::string>();
  for (const auto& [id, rows] : document.items()) {
    if (id == "schema" || !rows.is_array()) continue;
    if (id == "notes") {
      for (const Json& note : rows) out.notes.push_back(note.is_string() ? note.get<std::string>() : dump_json(note));
      continue;
    }
    reports::Table table;
    table.id = id;
    for (const Json& object : rows) {
      if (!object.is_object()) refuse(file, fmt::format("/{}: expected a list of rows", id), "weft sensitivity SCENARIO --json -o FILE writes one");
      Row row;
      for (const auto& [name, value] : object.items()) {
        if (!value.is_null()) row.set(name, cell_of_json(value).value_or(Cell(dump_json(value))));   // what is none is shown as it stands
      }
      table.rows.push_back(std::move(row));
    }
    out.tables.push_back(std::move(table));
  }
  return out;
}

void read_result(const std::string& path, Json document, ReportInputs& out) {
  const bool whole = document.contains("input") && document["input"].is_object() && document.contains("result") && document["result"].is_object();
  if (!whole) refuse(path, "a result without its input or its result", "weft run SCENARIO --json -o FILE writes a whole one");
  if (document["input"].contains("scenarios")) {
    refuse(path, "a comparison of several scenarios cannot be run again as one", "give the result of each of them: weft report A.json B.json");
  }
  RunInput input{path, scenarios::scenario_of(document, path, {}), nullptr};
  input.result = std::make_shared<const Json>(std::move(document));
  out.runs.push_back(std::move(input));
}

void read_one(const std::string& given, ReportInputs& out) {
  std::error_code error;
  if (std::filesystem::is_directory(given, error)) return out.sweeps.push_back(given);   // of points files
  const std::string path = scenario_path(given);
  if (path != "-" && holds_points(read_file(path, kMostBytes))) return out.sweeps.push_back(path);
  Json document = read_json_file(path);
  const std::string file = path == "-" ? "standard input" : path;
  if (!document.is_object()) refuse(file, "expected a result or a scenario: an object", "weft run SCENARIO --json -o FILE writes a result");
  if (!document.contains("schema")) {
    if (!document.contains("cluster") && !document.contains("workload")) {
      refuse(file, "is neither a result nor a scenario", "weft run SCENARIO --json -o FILE writes a result; a scenario has \"cluster\" and \"workload\"");
    }
    out.runs.push_back({given, scenarios::scenario_of(std::move(document), file, {}), nullptr});
    return;
  }
  const std::string schema = document["schema"].is_string() ? document["schema"].get<std::string>() : dump_json(document["schema"]);
  if (schema == "weft-result/1") return read_result(file, std::move(document), out);
  if (schema == "weft-sensitivity/1") return out.tornados.push_back(listing_of(document, file));
  refuse(file, fmt::format("has the schema \"{}\", which this weft does not know", schema),
         "it reads weft-result/1, weft-sensitivity/1 and weft-sweep/1: compute it again with this version");
}

std::string shown(const std::vector<reports::InputDifference>& all) {
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kMostShown); ++i) {
    text += fmt::format("{}{}: {} is {} in the file and {} now", i == 0 ? "" : "; ", all[i].variant, all[i].pointer, all[i].base, all[i].value);
  }
  if (all.size() > kMostShown) text += fmt::format("; and {} more", all.size() - kMostShown);
  return text;
}

bool same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.get<double>(), y = b.get<double>();
    return x == y || std::abs(x - y) <= kRounding * std::max(std::abs(x), std::abs(y));
  }
  return a == b;
}

/// What "CELL" or "CELL over CELL" comes to; a variant may have " over " in its name. Nothing when no such cells are there.
std::optional<double> judged(const reports::Report& report, const std::string& of) {
  static constexpr std::string_view kOver = " over ";
  const auto cell = [&](const std::string& path) -> std::optional<double> {
    try {
      return scenarios::cell_of(report, path);
    } catch (const UserError&) {
      return std::nullopt;
    }
  };
  if (const auto whole = cell(of)) return whole;
  for (std::size_t over = of.find(kOver); over != std::string::npos; over = of.find(kOver, over + 1)) {
    const auto above = cell(of.substr(0, over)), below = cell(of.substr(over + kOver.size()));
    if (above && below) return *above / *below;
  }
  return std::nullopt;
}

}  // namespace

ReportInputs read_report_inputs(const std::vector<std::string>& files) {
  ReportInputs out;
  for (const std::string& file : files) read_one(file, out);
  return out;
}

void check_input_digest(const RunInput& input, const Json& now) {
  if (!input.result) return;
  const Json& then = (*input.result)["input"];
  const Json digest = then.contains("digest") ? then["digest"] : Json();
  if (digest.is_string() && now.contains("digest") && digest == now["digest"]) return;
  std::vector<reports::InputDifference> all;
  const Json none = Json::array();
  const Json& before = then.contains("resolved") && then["resolved"].is_array() ? then["resolved"] : none;
  const Json& after = now.contains("resolved") ? now["resolved"] : none;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const std::string name = after[i].contains("name") ? after[i]["name"].get<std::string>() : fmt::format("variant {}", i + 1);
    for (auto& d : reports::input_differences(before[i], after[i], name)) all.push_back(std::move(d));
  }
  const std::string what = !all.empty() ? shown(all) : before.size() != after.size() ? fmt::format("{} variants in the file, {} now", before.size(), after.size())
                           : "the scenario, its seed or the digest itself was changed by hand";
  refuse(input.path, fmt::format("is not the result of what its scenario means to this weft (digest {} in the file, {} now): {}", dump_json(digest), dump_json(now["digest"]), what),
         fmt::format("compute it again: weft run {0} --json -o {0}", input.path));
}

void check_same_rows(const RunInput& input, const reports::Report& now) {
  if (!input.result) return;
  const Json& result = (*input.result)["result"];
  const Json rows = result.contains("rows") ? result["rows"] : Json::array();
  std::vector<const Row*> ours;
  for (const reports::Table& t : now.tables) {
    for (const Row& r : t.rows) ours.push_back(&r);
  }
  const std::string hint = fmt::format("compute it again: weft run {0} --json -o {0}", input.path);
  if (rows.size() != ours.size()) refuse(input.path, fmt::format("has {} rows, and {} come out now: another version of weft wrote it", rows.size(), ours.size()), hint);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const Json row = row_to_json(*ours[i]);
    for (const auto& [name, value] : row.items()) {
      if (rows[i].is_object() && rows[i].contains(name) && same(rows[i][name], value)) continue;
      const std::string there = rows[i].is_object() && rows[i].contains(name) ? dump_json(rows[i][name]) : "absent";
      refuse(input.path, fmt::format("{}: {} is {} in the file, and {} comes out now: another version of weft wrote it", reports::describe_row(*ours[i], i), name, there, dump_json(value)), hint);
    }
  }
}

std::vector<reports::Expectation> expectations_of(const Json& result) {
  std::vector<reports::Expectation> out;
  const auto list = result.find("expectations");
  if (list == result.end() || !list->is_array()) return out;
  const auto text = [](const Json& e, const char* key) { return e.contains(key) && e[key].is_string() ? e[key].get<std::string>() : std::string(); };
  const auto number = [](const Json& e, const char* key) { return e.contains(key) && e[key].is_number() ? e[key].get<double>() : 0.0; };
  for (const Json& e : *list) {
    if (!e.is_object()) continue;
    reports::Expectation x;
    x.of = text(e, "of");
    x.value = number(e, "value");
    x.got = number(e, "got");
    x.error_pct = number(e, "error_pct");
    x.tolerance_pct = number(e, "tolerance_pct");
    x.pass = e.contains("pass") && e["pass"].is_boolean() && e["pass"].get<bool>();
    x.source = text(e, "source");
    x.kind = text(e, "kind");
    x.not_reproducible = text(e, "not_reproducible");
    x.known_miss = text(e, "known_miss");
    out.push_back(std::move(x));
  }
  return out;
}

std::vector<std::string> verdicts_that_differ(const reports::Report& report) {
  std::vector<std::string> out;
  for (const reports::Expectation& e : report.expectations) {
    const std::optional<double> got = judged(report, e.of);
    if (!got) {
      out.push_back(fmt::format("the result judges {}, which is no number of its rows", e.of));
      continue;
    }
    const double error_pct = scenarios::error_pct(*got, e.value);
    const bool pass = scenarios::within(error_pct, e.tolerance_pct), near = std::abs(std::abs(error_pct) - e.tolerance_pct) <= 100 * kRounding;
    if (!e.not_reproducible.empty() || pass == e.pass || near) continue;
    out.push_back(fmt::format("the result calls {} {}, but its own rows give {:.6g} where {:.6g} was expected within {:.3g} %, which is {}", e.of, e.pass ? "met" : "missed", *got,
                              e.value, e.tolerance_pct, pass ? "met" : "missed"));
  }
  return out;
}

}  // namespace weft::cli
