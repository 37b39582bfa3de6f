#include "sim/cli/report_cases.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "scenarios/case_name.h"

namespace weft::cli {
namespace {

using scenarios::Explainable;

/// Seconds in a column by its unit; 0 for other columns.
double seconds_in(const std::string& column, const Cell& cell) {
  if (!reports::is_number(cell) || column == "bound_us") return 0;
  const double value = reports::number_of(cell);
  if (column.ends_with("_us")) return value * 1e-6;
  if (column.ends_with("_ms")) return value * 1e-3;
  return column.ends_with("_s") && !column.ends_with("_per_s") ? value : 0;
}

/// The first time of a row: what its workload puts first is what it is about.
double time_in(const Row& row) {
  for (const auto& [name, cell] : row.cells()) {
    if (const double s = seconds_in(name, cell); s > 0) return s;
  }
  return 0;
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

/// What is left of a case's name without its variant: the same question, put to another variant.
std::string question_of(const Explainable& one) { return one.of.substr(one.variant.size()); }

/// The simulated cases that a headline speaks of, in its order.
std::vector<const Explainable*> spoken_of(const std::vector<Explainable>& all, const reports::Report& report, const std::vector<scenarios::CellPath>& cells) {
  std::vector<const Explainable*> out;
  for (const scenarios::CellPath& cell : cells) {
    const std::string& variant = cell.variant.empty() ? report.variants.front() : cell.variant;
    const scenarios::CaseName name{variant + "/" + cell.workload, cell.labels};
    for (const Explainable& one : all) {
      if (!one.simulated || !name.may_mean(one.of)) continue;
      out.push_back(&one);
      break;
    }
  }
  return out;
}

/// How far apart two times are, as a logarithm; what is within rounding is 0.
double apart(double a, double b) {
  const double d = a > 0 && b > 0 ? std::abs(std::log(a / b)) : 0;
  return d > 1e-6 ? d : 0;
}

/// The pair of base and variant that a headline compares and whose times are furthest apart; nothing when there is none.
std::vector<std::string> compared(const std::vector<Explainable>& all, const reports::Report& report, const std::vector<const Explainable*>& spoken) {
  double furthest = 0;
  std::vector<std::string> out;
  for (const Explainable* one : spoken) {
    const auto base = std::ranges::find_if(all, [&](const Explainable& b) { return b.simulated && b.of == report.variants.front() + question_of(*one); });
    if (base == all.end()) continue;
    const double d = apart(time_of(report, *one), time_of(report, *base));
    if (d > furthest) furthest = d, out = {base->of, one->of};
  }
  return out;
}

/// The case that takes longest of the base variant.
const Explainable* longest_of_base(const std::vector<Explainable>& all, const reports::Report& report) {
  const Explainable* longest = nullptr;
  double most = -1;
  for (const Explainable& one : all) {
    if (!one.simulated || one.variant != report.variants.front()) continue;
    const double time = time_of(report, one);
    if (time > most) most = time, longest = &one;
  }
  return longest;
}

/// The same question put to another variant: one with another network first, since that is worth a picture however alike the times are, then the
/// one whose time is furthest.
const Explainable* counterpart(const std::vector<Explainable>& all, const reports::Report& report, const Explainable& first) {
  const std::string network = network_of(report, first.variant);
  const double time = time_of(report, first);
  const Explainable* best = nullptr;
  std::pair<bool, double> most{false, 0};
  for (const Explainable& one : all) {
    if (!one.simulated || one.variant == first.variant || question_of(one) != question_of(first)) continue;
    const std::pair<bool, double> now{network_of(report, one.variant) != network, apart(time_of(report, one), time)};
    if (now > most) most = now, best = &one;
  }
  return best;
}

}  // namespace

double time_of(const reports::Report& report, const Explainable& one) {
  const auto table = std::ranges::find(report.tables, one.workload, &reports::Table::id);
  if (table == report.tables.end()) return 0;
  const scenarios::CaseName name = scenarios::read_case_name(one.of, one.of, "--of");
  double longest = 0;
  for (const Row& row : table->rows) {
    const Cell* variant = row.find("variant");
    if (variant != nullptr && reports::exact_text(*variant) == one.variant && name.may_mean(row)) longest = std::max(longest, time_in(row));
  }
  return longest;
}

std::vector<std::string> cases_to_tell(const std::vector<Explainable>& all, const reports::Report& report, const std::vector<scenarios::CellPath>& headline) {
  if (report.variants.empty()) return {};
  const auto spoken = spoken_of(all, report, headline);
  if (auto pair = compared(all, report, spoken); !pair.empty()) return pair;
  const Explainable* first = spoken.empty() ? longest_of_base(all, report) : spoken.front();
  if (first == nullptr) return {};
  std::vector<std::string> out = {first->of};
  if (const Explainable* other = counterpart(all, report, *first)) out.push_back(other->of);
  return out;
}

}  // namespace weft::cli
