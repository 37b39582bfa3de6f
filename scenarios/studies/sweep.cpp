#include "scenarios/studies/sweep.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/workers.h"

namespace weft::scenarios {
namespace {

constexpr std::size_t kMostPoints = 100000;

/// Splits at commas that stand outside brackets, braces and quotes.
std::vector<std::string> split_values(const std::string& text) {
  std::vector<std::string> out(1);
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (!quoted && (c == '[' || c == '{')) ++depth;
    if (!quoted && (c == ']' || c == '}')) --depth;
    if (c == ',' && depth == 0 && !quoted) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

/// The setting of each axis at a point of the grid; the last axis runs fastest.
std::vector<std::size_t> coordinates(const std::vector<Axis>& axes, std::size_t point) {
  std::vector<std::size_t> at(axes.size());
  for (std::size_t a = axes.size(); a-- > 0;) {
    at[a] = point % axes[a].values.size();
    point /= axes[a].values.size();
  }
  return at;
}

Json cell_json(const Cell& c) {
  return std::visit([](const auto& v) { return Json(v); }, c);
}

Cell json_cell(const Json& j) {
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_number_integer()) return j.get<std::int64_t>();
  if (j.is_number()) return j.get<double>();
  return j.get<std::string>();
}

Json docs_json(const std::vector<ColumnDoc>& docs) {
  Json out = Json::array();
  for (const ColumnDoc& d : docs) out.push_back({d.name, d.text});
  return out;
}

/// What one point gave, as one line of text that travels from a worker to its parent.
std::string run_point(const std::string& file, const std::vector<Setting>& settings, const DataPlaces& data, const RunOptions& options) {
  Json line = Json::object();
  try {
    const Scenario scenario = load_scenario(file, settings);
    const reports::Report report = run_scenario(scenario, data, options);
    Json tables = Json::array();
    for (const reports::Table& t : report.tables) {
      Json rows = Json::array();
      for (const Row& r : t.rows) {
        Json row = Json::object();
        for (const auto& [name, cell] : r.cells()) row[name] = cell_json(cell);
        rows.push_back(std::move(row));
      }
      tables.push_back({{"id", t.id}, {"kind", t.kind}, {"title", t.title}, {"labels", docs_json(t.label_columns)},
                        {"columns", docs_json(t.columns)}, {"rows", std::move(rows)}});
    }
    line["tables"] = std::move(tables);
    line["warnings"] = report.warnings;
  } catch (const std::exception& e) {
    line = {{"error", e.what()}};
  }
  return dump_json(line);
}

/// A variant that sets a swept place itself would make every point the same under a wrong label.
void check_axes(const Scenario& base, const std::vector<Axis>& axes) {
  if (!base.document->contains("variants")) return;
  for (const Json& v : (*base.document)["variants"]) {
    if (!v.contains("set")) continue;
    for (const auto& [pointer, value] : v["set"].items()) {
      for (const Axis& a : axes) {
        const bool inside = pointer == a.pointer || pointer.starts_with(a.pointer + "/") || a.pointer.starts_with(pointer + "/");
        if (inside) {
          throw UserError("--vary", fmt::format("variant \"{}\" sets {} itself, so varying {} would not reach it", v["name"].get<std::string>(), pointer, a.pointer),
                          "leave the variants out with --set '/variants=[]'");
        }
      }
    }
  }
}

std::vector<ColumnDoc> docs_of(const Json& list) {
  std::vector<ColumnDoc> out;
  for (const Json& d : list) out.push_back({d[0].get<std::string>(), d[1].get<std::string>()});
  return out;
}

void add_docs(std::vector<ColumnDoc>& all, const std::vector<ColumnDoc>& more) {
  for (const ColumnDoc& d : more) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const ColumnDoc& k) { return k.name == d.name; });
    if (!known) all.push_back(d);
  }
}

/// Collects the points' tables by workload, each row led by its point's settings.
class Gather {
 public:
  explicit Gather(const std::vector<Axis>& axes) : axes_(axes) {}

  void add(const std::vector<std::size_t>& at, const std::string& line) {
    const Json point = parse_json(line, "a sweep point");
    Row lead;
    for (std::size_t a = 0; a < axes_.size(); ++a) lead.set(axes_[a].pointer, axes_[a].texts[at[a]]);
    if (point.contains("error")) {
      failed.push_back(lead.set("error", point["error"].get<std::string>()));
      return;
    }
    for (const Json& w : point["warnings"]) {
      const auto text = w.get<std::string>();
      auto known = std::find_if(warned_.begin(), warned_.end(), [&](const Warned& k) { return k.text == text; });
      if (known == warned_.end()) warned_.push_back({text, lead, 0}), known = warned_.end() - 1;
      ++known->points;
    }
    for (const Json& t : point["tables"]) {
      reports::Table& table = table_of(t);
      for (const Json& r : t["rows"]) {
        Row row = lead;
        for (const auto& [name, cell] : r.items()) row.set(name, json_cell(cell));
        table.rows.push_back(std::move(row));
      }
    }
  }

  /// What points warned of, each warning once, with the first of its points.
  std::vector<std::string> warnings(std::size_t points) const {
    std::vector<std::string> all;
    for (const Warned& w : warned_) {
      std::string where;
      for (const auto& [pointer, cell] : w.first.cells()) where += fmt::format("{}{}={}", where.empty() ? "" : ", ", pointer, std::get<std::string>(cell));
      all.push_back(w.points == points ? w.text : fmt::format("{}{}: {}", where, w.points > 1 ? fmt::format(" and {} more point{}", w.points - 1, w.points > 2 ? "s" : "") : "", w.text));
    }
    return all;
  }

  std::vector<reports::Table> tables;
  std::vector<Row> failed;

 private:
  struct Warned {
    std::string text;
    Row first;
    std::size_t points;
  };
  std::vector<Warned> warned_;
  reports::Table& table_of(const Json& t) {
    const std::string id = t["id"].get<std::string>();
    auto at = std::find_if(tables.begin(), tables.end(), [&](const reports::Table& k) { return k.id == id; });
    if (at == tables.end()) {
      reports::Table fresh;
      fresh.id = id;
      fresh.title = t["title"].get<std::string>();
      for (const Axis& a : axes_) fresh.label_columns.push_back({a.pointer, "the value set at this place of the scenario"});
      fresh.label_columns.push_back({"variant", "variant of the scenario"});
      fresh.label_columns.push_back({"workload", "id of the workload"});
      tables.push_back(std::move(fresh));
      at = tables.end() - 1;
    }
    add_docs(at->label_columns, docs_of(t["labels"]));
    add_docs(at->columns, docs_of(t["columns"]));
    return *at;
  }

  const std::vector<Axis>& axes_;
};

}  // namespace

Axis parse_axis(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || text.empty() || text[0] != '/') {
    throw UserError("--vary", fmt::format("expected /pointer=value,value,..., got \"{}\"", text), "for example --vary /cluster/nodes=64,128,256");
  }
  Axis axis;
  axis.pointer = text.substr(0, equals);
  for (const std::string& value : split_values(text.substr(equals + 1))) {
    if (value.empty()) throw UserError("--vary", fmt::format("{} has an empty value", axis.pointer), "values are separated by single commas");
    axis.values.push_back(parse_setting(axis.pointer + "=" + value, "--vary"));
    axis.texts.push_back(value);
  }
  return axis;
}

SweepResult sweep(const std::string& file, const std::vector<Setting>& settings, const std::vector<Axis>& axes, const DataPlaces& data,
                  const SweepOptions& options) {
  if (axes.empty()) throw UserError("--vary", "a sweep needs at least one axis", "for example --vary /cluster/nodes=64,128,256");
  SweepResult out;
  out.points = 1;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (axes[a].pointer == axes[b].pointer) throw UserError("--vary", fmt::format("{} is varied twice", axes[a].pointer));
    }
    out.points *= axes[a].values.size();
    if (out.points > kMostPoints) throw UserError("--vary", fmt::format("the grid has more than {} points", kMostPoints));
  }
  // What is wrong with the base is an error of the whole sweep, not of each point.
  check_axes(load_scenario(file, settings), axes);
  const auto settings_at = [&](std::size_t point) {
    std::vector<Setting> all = settings;
    const std::vector<std::size_t> at = coordinates(axes, point);
    for (std::size_t a = 0; a < axes.size(); ++a) all.push_back(axes[a].values[at[a]]);
    return all;
  };
  const std::vector<std::string> lines = run_in_processes(
      out.points, options.processes, [&](std::size_t point) { return run_point(file, settings_at(point), data, options.run); }, options.progress);
  Gather gather(axes);
  for (std::size_t point = 0; point < out.points; ++point) gather.add(coordinates(axes, point), lines[point]);
  out.failed = gather.failed.size();
  out.warnings = gather.warnings(out.points);
  out.listing.tables = std::move(gather.tables);
  if (out.failed > 0) {
    reports::Table t;
    t.id = "failed";
    t.title = "Points that failed";
    for (const Axis& a : axes) t.label_columns.push_back({a.pointer, "the value set at this place of the scenario"});
    t.columns = {{"error", "why the point has no result"}};
    t.rows = std::move(gather.failed);
    out.listing.tables.push_back(std::move(t));
  }
  return out;
}

}  // namespace weft::scenarios
