#include "sim/cli/report_cases.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "reports/cells.h"

namespace weft::cli {
namespace {

/// Labels of "variant/workload[a=1,b=x]".
std::map<std::string, std::string> labels_of(const std::string& of) {
  std::map<std::string, std::string> out;
  const std::size_t open = of.find('[');
  if (open == std::string::npos || of.back() != ']') return out;
  std::string list = of.substr(open + 1, of.size() - open - 2);
  while (!list.empty()) {
    const std::size_t comma = list.find(','), equals = list.find('=');
    if (equals == std::string::npos || equals > comma) break;
    const std::size_t first = std::min(list.find_first_not_of(' '), equals);
    out[list.substr(first, equals - first)] = list.substr(equals + 1, comma == std::string::npos ? comma : comma - equals - 1);
    list = comma == std::string::npos ? "" : list.substr(comma + 1);
  }
  return out;
}

/// Seconds in a column by its unit; 0 for other columns.
double seconds_in(const std::string& column, const Cell& cell) {
  if (!reports::is_number(cell) || column == "bound_us") return 0;
  const double value = reports::number_of(cell);
  if (column.ends_with("_us")) return value * 1e-6;
  if (column.ends_with("_ms")) return value * 1e-3;
  return column.ends_with("_s") && !column.ends_with("_per_s") ? value : 0;
}

/// The first time of a row: what its workload puts first is what it is about.
double time_of(const Row& row) {
  for (const auto& [name, cell] : row.cells()) {
    if (const double s = seconds_in(name, cell); s > 0) return s;
  }
  return 0;
}

bool is_case(const Row& row, const std::string& variant, const std::map<std::string, std::string>& labels) {
  const Cell* name = row.find("variant");
  return name != nullptr && reports::exact_text(*name) == variant && std::ranges::all_of(labels, [&](const auto& label) {
           const Cell* cell = row.find(label.first);
           return cell != nullptr && reports::exact_text(*cell) == label.second;
         });
}

/// Network and failed parts of a variant, as text to compare.
std::string network_of(const reports::Report& report, const std::string& variant) {
  if (!report.input || !report.input->contains("resolved")) return "";
  for (const Json& v : (*report.input)["resolved"]) {
    if (v.value("name", "") != variant || !v.contains("cluster")) continue;
    const Json& cluster = v["cluster"];
    return cluster.value("topology", Json()).dump() + cluster.value("failed", Json()).dump();
  }
  return "";
}

}  // namespace

bool may_mean(const std::string& of, const scenarios::Explainable& one) {
  if (of == one.of) return true;
  const std::string name = of.substr(0, of.ends_with(']') ? of.rfind('[') : std::string::npos);
  if (!name.empty() && name != one.variant && name != one.workload && name != one.variant + "/" + one.workload) return false;
  const auto has = labels_of(one.of);
  return std::ranges::all_of(labels_of(of), [&](const auto& label) { return has.contains(label.first) && has.at(label.first) == label.second; });
}

double time_of(const reports::Report& report, const scenarios::Explainable& one) {
  const auto table = std::ranges::find(report.tables, one.workload, &reports::Table::id);
  if (table == report.tables.end()) return 0;
  const auto labels = labels_of(one.of);
  double longest = 0;
  for (const Row& row : table->rows) {
    if (is_case(row, one.variant, labels)) longest = std::max(longest, time_of(row));
  }
  return longest;
}

std::vector<std::string> cases_to_tell(const std::vector<scenarios::Explainable>& all, const reports::Report& report) {
  const scenarios::Explainable* longest = nullptr;
  double most = -1;
  for (const scenarios::Explainable& one : all) {
    if (!one.simulated || report.variants.empty() || one.variant != report.variants.front()) continue;
    const double time = time_of(report, one);
    if (time > most) most = time, longest = &one;
  }
  if (longest == nullptr) return {};
  std::vector<std::string> out = {longest->of};
  const std::string rest = longest->of.substr(longest->variant.size());
  const scenarios::Explainable* other = nullptr;
  double furthest = 1e-6;   // of the logarithm: beyond rounding
  bool furthest_network = false;
  const std::string network = network_of(report, longest->variant);
  for (const scenarios::Explainable& one : all) {
    if (!one.simulated || one.variant == longest->variant || one.of != one.variant + rest) continue;
    const double time = time_of(report, one);
    const double apart = time > 0 && most > 0 ? std::abs(std::log(time / most)) : 0;
    // Another network is worth a picture, however alike the times.
    const bool differs = network_of(report, one.variant) != network;
    if (differs && !furthest_network) furthest = -1, furthest_network = true;
    if (differs == furthest_network && apart > furthest) furthest = apart, other = &one;
  }
  if (other != nullptr) out.push_back(other->of);
  return out;
}

}  // namespace weft::cli
