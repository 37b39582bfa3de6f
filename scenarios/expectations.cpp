#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/cell_path.h"
#include "scenarios/runner.h"
#include "sim/core/cell_text.h"

namespace weft::scenarios {

double cell_of(const reports::Report& report, const std::string& path) {
  const Cell& c = cell_at(report, parse_cell_path(path));
  if (std::holds_alternative<std::string>(c)) throw UserError("", fmt::format("\"{}\" is a word, not a number", path));
  if (const auto* truth = std::get_if<bool>(&c)) return *truth ? 1 : 0;
  return number_of(c);
}

double error_pct(double got, double value) { return 100 * (got - value) / (value != 0 ? std::abs(value) : 1); }

// Printed decimals are not binary ones: a nudge of 1e-9 keeps "exactly at the tolerance" inside it.
bool within(double error_pct, double tolerance_pct) { return std::abs(error_pct) <= tolerance_pct + 1e-9; }

void check_expectations(const Scenario& scenario, reports::Report& report) {
  if (!scenario.changed.empty()) return;
  for (const Expect& e : scenario.expects) {
    try {
      reports::Expectation x;
      x.of = e.over ? e.of + " over " + *e.over : e.of;
      x.value = e.value;
      x.got = cell_of(report, e.of);
      if (e.over) x.got /= cell_of(report, *e.over);
      x.error_pct = error_pct(x.got, e.value);
      x.tolerance_pct = e.tolerance_pct;
      x.pass = within(x.error_pct, e.tolerance_pct);
      x.source = e.source;
      x.kind = e.kind;
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
