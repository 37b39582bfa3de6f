#include "scenarios/studies/sensitivity_answer.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "scenarios/case_name.h"
#include "scenarios/resolve.h"
#include "sim/core/cell_text.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

constexpr std::size_t kMostListed = 12;
constexpr std::size_t kLongList = 16;   // longer lists are curves, and are not cut
constexpr const char* kTimes[] = {"_us", "_ms", "_s", "_h"};

std::optional<double> number_of(const Cell* c) {
  if (c == nullptr || std::holds_alternative<std::string>(*c)) return {};
  if (const auto* i = std::get_if<std::int64_t>(c)) return static_cast<double>(*i);
  if (const auto* b = std::get_if<bool>(c)) return *b ? 1.0 : 0.0;
  return std::get<double>(*c);
}

std::string id_of(const Json& entry) {
  const char* key = entry.is_object() && entry.contains("id") ? "id" : "kind";
  return entry.is_object() && entry.contains(key) && entry[key].is_string() ? entry[key].get<std::string>() : "";
}

std::string kind_of(const Json& entry) { return entry.is_object() && entry.contains("kind") && entry["kind"].is_string() ? entry["kind"].get<std::string>() : ""; }

/// Columns that a kind of workload says it has.
std::vector<std::string> columns_of(const std::string& kind) {
  std::vector<std::string> out;
  for (const auto& k : analysis_kinds()) {
    if (k.name == kind) for (const ColumnDoc& d : k.columns) out.push_back(d.name);
  }
  for (const auto& k : workloads::workload_kinds()) {
    if (k.name != kind) continue;
    for (const ColumnDoc& d : k.columns) out.push_back(d.name);
    out.insert(out.end(), {"bound_us", "gap_pct"});
  }
  return out;
}

/// What a user said of a cell: each part may be missing.
struct Wanted {
  std::string text, variant, workload, column;
  std::vector<std::pair<std::string, std::string>> labels;
};

/// Parts between slashes that stand outside brackets.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '[') ++depth;
    if (c == ']') --depth;
    if (c == '/' && depth == 0) out.emplace_back();
    else out.back() += c;
  }
  return out;
}

Wanted wanted_of(const Scenario& s, const std::string& text) {
  Wanted w;
  w.text = text;
  std::vector<std::string> parts = parts_of(text);
  if (parts.size() > 3) throw UserError("--of", fmt::format("expected variant/workload[label=value]/column or a part of it, got \"{}\"", text));
  for (std::string& part : parts) {
    CaseName named = read_case_name(part, text, "--of");
    if (named.name == part) continue;   // no labels
    part = w.workload = std::move(named.name);
    w.labels = std::move(named.labels);
  }
  if (parts.size() == 3) {
    w.variant = parts[0], w.workload = parts[1], w.column = parts[2];
    return w;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    const bool variant = std::any_of(s.variants.begin(), s.variants.end(), [&](const Variant& v) { return v.name == part; });
    const bool workload = std::any_of(s.variants.begin(), s.variants.end(), [&](const Variant& v) {
      return std::any_of((*v.document)["workload"].begin(), (*v.document)["workload"].end(), [&](const Json& e) { return id_of(e) == part; });
    });
    if (part == w.workload || part.empty()) continue;
    if (variant && w.variant.empty() && (parts.size() == 1 || i == 0)) w.variant = part;
    else if (workload && w.workload.empty()) w.workload = part;
    else w.column = part;
  }
  return w;
}

[[noreturn]] void refuse(const Wanted& w, const std::string& what, const std::vector<std::string>& known) {
  const std::size_t shown = std::min(known.size(), kMostListed);
  throw UserError("--of", fmt::format("\"{}\": {}", w.text, what),
                  fmt::format("there are {}{}", fmt::join(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(shown), "; "),
                              known.size() > shown ? fmt::format(" and {} more", known.size() - shown) : ""));
}

const Variant& variant_of(const Scenario& s, const Wanted& w) {
  std::vector<std::string> names;
  for (const Variant& v : s.variants) {
    if (w.variant.empty() || v.name == w.variant) return v;   // not said: the base
    names.push_back(v.name);
  }
  throw UserError("--of", fmt::format("\"{}\": there is no variant \"{}\"", w.text, w.variant), unknown_name_hint(w.variant, names));
}

const Json& workload_of(const Variant& v, const Wanted& w) {
  const Json& list = (*v.document)["workload"];
  std::vector<const Json*> fit;
  std::vector<std::string> names, columns;
  for (const Json& e : list) {
    names.push_back(id_of(e));
    const std::vector<std::string> has = columns_of(kind_of(e));
    columns.insert(columns.end(), has.begin(), has.end());
    const bool column = w.column.empty() || std::find(has.begin(), has.end(), w.column) != has.end();
    if (w.workload.empty() ? column : id_of(e) == w.workload) fit.push_back(&e);
  }
  if (fit.empty() && !w.workload.empty()) refuse(w, fmt::format("there is no workload \"{}\"", w.workload), names);
  if (fit.empty()) throw UserError("--of", fmt::format("\"{}\": nothing here is called \"{}\"", w.text, w.column), unknown_name_hint(w.column, columns));
  if (fit.size() > 1 && !w.column.empty()) {
    std::vector<std::string> known;
    for (const Json* e : fit) known.push_back(id_of(*e) + "/" + w.column);
    refuse(w, fmt::format("{} workloads have this column", fit.size()), known);
  }
  return *fit.front();
}

/// The scenario with this variant and workload alone.
Json alone(const Scenario& s, const Variant& v, const Json& entry) {
  return {{"title", s.title}, {"cluster", (*v.document)["cluster"]}, {"workload", Json::array({entry})}, {"variants", Json::array({{{"name", v.name}}})}};
}

reports::Report run(const Json& document, const std::string& file, const DataPlaces& data, const RunOptions& options) {
  return run_scenario(scenario_of(document, file, {}), data, options);
}

/// The first time, else the first price, else the first number of a row.
std::string first_column(const reports::Table& t, const Row& row) {
  std::string price, real, any;
  for (const ColumnDoc& d : t.columns) {
    const Cell* c = row.find(d.name);
    if (!number_of(c) || d.name.starts_with("bound_")) continue;
    for (const char* suffix : kTimes) {
      if (d.name.ends_with(suffix)) return d.name;
    }
    if (price.empty() && d.name.find("USD") != std::string::npos) price = d.name;
    if (real.empty() && std::holds_alternative<double>(*c)) real = d.name;
    if (any.empty()) any = d.name;
  }
  return !price.empty() ? price : !real.empty() ? real : any;
}

std::vector<std::pair<std::string, Cell>> labels_of(const reports::Table& t, const Row& row) {
  std::vector<std::pair<std::string, Cell>> out;
  for (const ColumnDoc& d : t.label_columns) {
    if (const Cell* c = row.find(d.name); c != nullptr && d.name != "variant" && d.name != "workload") out.emplace_back(d.name, *c);
  }
  return out;
}

/// Fills everything but `document` and `base`.
Answer cell_in(const reports::Report& report, const Wanted& w) {
  const reports::Table& t = report.tables.front();
  Answer a;
  a.variant = report.variants.front();
  a.workload = t.id;
  a.rows = t.rows.size();
  std::vector<std::size_t> fit;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < t.rows.size(); ++i) {
    if (!CaseName{t.id, w.labels}.may_mean(t.rows[i]) || (!w.column.empty() && !number_of(t.rows[i].find(w.column)))) continue;
    fit.push_back(i);
    names.push_back(t.id + labels_text(labels_of(t, t.rows[i])));
  }
  if (fit.empty()) {
    std::vector<std::string> columns, rows;
    for (const Row& r : t.rows) rows.push_back(t.id + labels_text(labels_of(t, r)));
    for (const ColumnDoc& d : t.columns) columns.push_back(d.name);
    if (!w.column.empty() && std::find(columns.begin(), columns.end(), w.column) == columns.end()) {
      throw UserError("--of", fmt::format("\"{}\": {} has no column \"{}\"", w.text, t.id, w.column), unknown_name_hint(w.column, columns));
    }
    if (rows.empty()) throw UserError("--of", fmt::format("{} has no rows", t.id));
    refuse(w, w.column.empty() ? "means no row" : fmt::format("no row that this means has a number in {}", w.column), rows);
  }
  if (fit.size() > 1 && !w.text.empty() && w.text != t.id && w.text != a.variant) refuse(w, fmt::format("may be any of {} rows", fit.size()), names);
  a.row = fit.front();
  const Row& row = t.rows[a.row];
  a.column = w.column.empty() ? first_column(t, row) : w.column;
  if (a.column.empty()) throw UserError("--of", fmt::format("{} has no number to look at", t.id));
  a.labels = labels_of(t, row);
  a.value = *number_of(row.find(a.column));
  a.of = fmt::format("{}/{}{}/{}", a.variant, a.workload, labels_text(a.labels), a.column);
  return a;
}

/// Whether a scenario still has the row: told from the labels of its cases, or by asking where nothing is simulated.
bool has_row(const Json& document, const std::string& file, const DataPlaces& data, const RunOptions& options, const Answer& a) {
  const auto same = [&](const Row& row) {
    return std::all_of(a.labels.begin(), a.labels.end(), [&](const auto& l) {
      const Cell* c = row.find(l.first);
      return c == nullptr || *c == l.second;
    });
  };
  try {
    const std::vector<ResolvedVariant> variants = resolve(scenario_of(document, file, {}), data, options.seed, options.kernel_times.get());
    const ResolvedVariant& v = variants.front();
    const ResolvedWorkload& w = v.workloads.front();
    if (w.analysis) {
      const std::vector<Row> rows = w.analysis->rows(*v.cluster);
      return std::any_of(rows.begin(), rows.end(), same);
    }
    topology::Router router(v.cluster->fabric(), v.cluster->routing());
    const std::vector<workloads::Case> cases = w.workload->cases(v.cluster->view(router));
    return std::any_of(cases.begin(), cases.end(), [&](const workloads::Case& c) { return same(c.labels); });
  } catch (const UserError&) {
    return false;
  }
}

bool is_axis(const Json& v) {
  return v.is_array() && v.size() > 1 && v.size() <= kLongList && std::none_of(v.begin(), v.end(), [](const Json& e) { return e.is_structured(); });
}

/// Lists of the workload, each cut to the element that the row is of: cases that nobody asks for need not run.
Json cut(Json document, const std::string& file, const DataPlaces& data, const RunOptions& options, const Answer& a, const Json& resolved) {
  Json lists = Json::object();
  for (const auto& [key, value] : resolved.items()) {
    if (is_axis(value)) lists[key] = value;
  }
  for (const auto& [key, value] : document["workload"][0].items()) {
    if (is_axis(value)) lists[key] = value;
  }
  for (const auto& [key, list] : lists.items()) {
    std::vector<Json> keeping;   // more than one: the list is no axis
    for (const Json& element : list) {
      Json smaller = document;
      smaller["workload"][0][key] = Json::array({element});
      if (has_row(smaller, file, data, options, a)) keeping.push_back(std::move(smaller));
    }
    if (keeping.size() == 1) document = std::move(keeping.front());
  }
  return document;
}

Answer choose(const Scenario& s, const DataPlaces& data, const RunOptions& options, const Wanted& w) {
  const Variant& v = variant_of(s, w);
  const Json document = alone(s, v, workload_of(v, w));
  reports::Report report = run(document, s.file, data, options);
  Answer a = cell_in(report, w);
  const Json smaller = cut(document, s.file, data, options, a, (*report.input)["resolved"][0]["workload"][0]);
  if (smaller != document) {
    Wanted same;
    same.column = a.column;
    for (const auto& [name, cell] : a.labels) same.labels.emplace_back(name, exact_text(cell));
    reports::Report cut_report = run(smaller, s.file, data, options);
    const Answer b = cell_in(cut_report, same);
    if (b.value == a.value) {
      const std::string of = a.of;
      a = b;
      a.of = of;
      a.document = std::make_shared<const Json>(smaller);
      a.base = std::move(cut_report);
      return a;
    }
  }
  a.document = std::make_shared<const Json>(document);
  a.base = std::move(report);
  return a;
}

}  // namespace

Answer choose_answer(const Scenario& s, const DataPlaces& data, const RunOptions& run, const std::string& of) {
  if (!of.empty()) return choose(s, data, run, wanted_of(s, of));
  Answer a;
  try {
    Wanted first;
    if (!s.expects.empty()) first = wanted_of(s, s.expects.front().of);
    a = choose(s, data, run, first);
  } catch (const UserError& e) {
    // A changed scenario need not have the cell that was expected of it.
    if (s.expects.empty() || e.problems().front().place != "--of") throw;
    a = choose(s, data, run, {});
  }
  a.chosen = true;
  return a;
}

double answer_in(const reports::Report& report, const Answer& a) {
  const std::vector<Row>& rows = report.tables.front().rows;
  const Row* found = nullptr;
  for (const Row& r : rows) {
    const bool same = std::all_of(a.labels.begin(), a.labels.end(), [&](const auto& l) {
      const Cell* c = r.find(l.first);
      return c != nullptr && *c == l.second;
    });
    if (same) found = &r;
    if (same) break;
  }
  if (found == nullptr && rows.size() == a.rows) found = &rows[a.row];
  const auto value = found != nullptr ? number_of(found->find(a.column)) : std::nullopt;
  if (!value) throw UserError("", "the row of the answer is not there any more");
  return *value;
}

}  // namespace weft::scenarios
