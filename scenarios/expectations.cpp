#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/runner.h"

namespace weft::scenarios {
namespace {

struct CellPath {
  std::string variant, workload, column;
  std::vector<std::pair<std::string, std::string>> labels;
};

std::string trimmed(std::string s) {
  while (!s.empty() && s.front() == ' ') s.erase(s.begin());
  while (!s.empty() && s.back() == ' ') s.pop_back();
  return s;
}

CellPath parse_path(const std::string& path) {
  const std::size_t first = path.find('/'), last = path.rfind('/');
  if (first == std::string::npos || first == last) {
    throw UserError("", fmt::format("expected variant/workload[label=value]/column, got \"{}\"", path));
  }
  CellPath p;
  p.variant = path.substr(0, first);
  p.column = path.substr(last + 1);
  p.workload = path.substr(first + 1, last - first - 1);
  const std::size_t open = p.workload.find('[');
  if (open == std::string::npos) return p;
  if (p.workload.back() != ']') throw UserError("", fmt::format("a ] is missing in \"{}\"", path));
  std::string list = p.workload.substr(open + 1, p.workload.size() - open - 2);
  p.workload.resize(open);
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string one = list.substr(0, comma);
    list = comma == std::string::npos ? "" : list.substr(comma + 1);
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos) throw UserError("", fmt::format("expected label=value, got \"{}\" in \"{}\"", one, path));
    p.labels.emplace_back(trimmed(one.substr(0, equals)), trimmed(one.substr(equals + 1)));
  }
  return p;
}

std::string text_of(const Cell& c) {
  if (const auto* i = std::get_if<std::int64_t>(&c)) return std::to_string(*i);
  if (const auto* b = std::get_if<bool>(&c)) return *b ? "true" : "false";
  if (const auto* d = std::get_if<double>(&c)) return fmt::format("{}", *d);
  return std::get<std::string>(c);
}

bool row_matches(const Row& r, const CellPath& p) {
  const Cell* variant = r.find("variant");
  if (variant == nullptr || text_of(*variant) != p.variant) return false;
  for (const auto& [name, value] : p.labels) {
    const Cell* c = r.find(name);
    if (c == nullptr || text_of(*c) != value) return false;
  }
  return true;
}

}  // namespace

double cell_of(const reports::Report& report, const std::string& path) {
  const CellPath p = parse_path(path);
  const reports::Table* table = nullptr;
  std::vector<std::string> ids;
  for (const auto& t : report.tables) {
    ids.push_back(t.id);
    if (t.id == p.workload) table = &t;
  }
  if (std::find(report.variants.begin(), report.variants.end(), p.variant) == report.variants.end()) {
    throw UserError("", fmt::format("\"{}\": there is no variant \"{}\"", path, p.variant), unknown_name_hint(p.variant, report.variants));
  }
  if (table == nullptr) {
    throw UserError("", fmt::format("\"{}\": there is no workload \"{}\"", path, p.workload), unknown_name_hint(p.workload, ids));
  }
  const Row* found = nullptr;
  for (const Row& r : table->rows) {
    if (!row_matches(r, p)) continue;
    if (found != nullptr) throw UserError("", fmt::format("\"{}\" means more than one row", path), "name more labels, as in [gpus=64,size_B=1024]");
    found = &r;
  }
  if (found == nullptr) throw UserError("", fmt::format("\"{}\" means no row", path), "labels are compared as they are printed in CSV");
  const Cell* c = found->find(p.column);
  std::vector<std::string> columns;
  for (const auto& [name, cell] : found->cells()) columns.push_back(name);
  if (c == nullptr) throw UserError("", fmt::format("\"{}\": there is no column \"{}\"", path, p.column), unknown_name_hint(p.column, columns));
  if (std::holds_alternative<std::string>(*c)) throw UserError("", fmt::format("\"{}\" is a word, not a number", path));
  if (const auto* b = std::get_if<bool>(c)) return *b ? 1 : 0;
  return found->number(p.column);
}

void check_expectations(const Scenario& scenario, reports::Report& report) {
  if (!scenario.changed.empty()) return;
  for (const Expect& e : scenario.expects) {
    try {
      reports::Expectation x;
      x.of = e.over ? e.of + " over " + *e.over : e.of;
      x.value = e.value;
      x.got = cell_of(report, e.of);
      if (e.over) x.got /= cell_of(report, *e.over);
      x.error_pct = 100 * (x.got - e.value) / (e.value != 0 ? std::abs(e.value) : 1);
      x.tolerance_pct = e.tolerance_pct;
      // Printed decimals are not binary ones: a nudge of 1e-9 keeps "exactly at the tolerance" inside it.
      x.pass = std::abs(x.error_pct) <= e.tolerance_pct + 1e-9;
      x.source = e.source;
      x.not_reproducible = e.not_reproducible;
      if (!x.pass) x.known_miss = e.known_miss;
      if (!std::isfinite(x.got)) throw UserError("", fmt::format("\"{}\" divides by zero", x.of));
      report.expectations.push_back(std::move(x));
    } catch (const UserError& error) {
      throw UserError({{scenario.file, e.place + "/of", error.problems().front().message, error.problems().front().hint}});
    }
  }
}

}  // namespace weft::scenarios
