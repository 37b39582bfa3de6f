#include "reports/page/doubts.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "reports/cells.h"
#include "reports/page/sections.h"

namespace weft::reports {
namespace {

/// The met value that is farthest from what was expected: "MPFT/step/step_time_s, -7.9 % of 8 % allowed". Empty when none is off at all.
std::string farthest_met(const Report& report) {
  const Expectation* far = nullptr;
  for (const Expectation& e : report.expectations) {
    if (!e.pass || !e.not_reproducible.empty() || e.error_pct == 0) continue;
    if (far == nullptr || std::abs(e.error_pct) > std::abs(far->error_pct)) far = &e;
  }
  return far == nullptr ? std::string() : fmt::format("{}, {:+.2g} % of {:.3g} % allowed", far->of, far->error_pct, far->tolerance_pct);
}

/// What met values prove; met identities prove little.
std::string proof_sentence(const Report& report) {
  const std::string kinds = kinds_text(report.expectations);
  if (kinds.empty()) return {};
  const bool predicted = std::ranges::any_of(report.expectations, [](const Expectation& e) { return e.kind == "predicted" && e.not_reproducible.empty(); });
  return fmt::format("Of the expected values: {}.{}", kinds, predicted ? "" : " None of them was predicted, so that they confirm no more than arithmetic and fits.");
}

std::string verdict_sentence(const Report& report) {
  const Verdict v = verdict_of(report);
  if (v.all == 0) return "No expected value says what these numbers should be: none was published or computed, or the settings were changed.";
  const std::string far = farthest_met(report);
  const std::string of_met = far.empty() ? "" : "; of those met the farthest is " + far;
  if (v.missed > 0) return fmt::format("{} of {} expected values {} out of tolerance for no known reason{}.", v.missed, v.all, v.missed == 1 ? "is" : "are", of_met);
  if (v.known > 0) return fmt::format("{} of {} expected values {} out of tolerance for a known reason{}.", v.known, v.all, v.known == 1 ? "is" : "are", of_met);
  if (v.all == 1) return fmt::format("The one expected value is met within its tolerance{}.", far.empty() ? "" : ": " + far);
  return fmt::format("All {} expected values are met within their tolerance{}.", v.all, far.empty() ? "" : "; the farthest is " + far);
}

/// How wide the widest band of the columns COL_p5 and COL_p95 is.
std::string band_sentence(const Report& report) {
  if (report.system.draws == 0) return {};   // bands of another kind: of replicas, not of kernel times
  double widest = 0;
  std::string where;
  for (const Table& table : report.tables) {
    for (const ColumnDoc& doc : table.columns) {
      if (!doc.name.ends_with("_p5")) continue;
      const std::string stem = doc.name.substr(0, doc.name.size() - 3);
      for (const Row& row : table.rows) {
        const Cell *low = row.find(doc.name), *high = row.find(stem + "_p95"), *middle = row.find(stem);
        if (low == nullptr || high == nullptr || middle == nullptr || !is_number(*low) || !is_number(*high) || !is_number(*middle)) continue;
        const double size = std::abs(number_of(*middle));
        const double part = size == 0 ? 0 : std::max(number_of(*high) - number_of(*middle), number_of(*middle) - number_of(*low)) / size;
        if (part > widest) {
          widest = part;
          where = fmt::format("{} of {}", stem, table.id);
        }
      }
    }
  }
  if (widest == 0) return {};
  return fmt::format("Kernel times leave up to {:.2g} % open ({}; 5 to 95 % of {} draws).", 100 * widest, where, report.system.draws);
}

std::string constants_sentence(const Report& report) {
  const auto count = [&](Origin origin) { return std::ranges::count(report.constants, origin, &ConstantUsed::origin); };
  const auto assumed = count(Origin::assumed), fitted = count(Origin::fitted);
  if (assumed + fitted == 0) return {};
  std::string text = fmt::format("Of {} constants ", report.constants.size());
  if (assumed > 0) text += fmt::format("{} {} assumed: no publication or measurement gives them", assumed, assumed == 1 ? "is" : "are");
  if (fitted > 0) text += fmt::format("{}{} {} fitted to published results or measurements", assumed > 0 ? "; " : "", fitted, fitted == 1 ? "is" : "are");
  return text + ".";
}

/// Of a sensitivity: the assumed input that moves the answer most.
std::string weight_sentence(const WebPage& page) {
  double most = 0;
  std::string name;
  for (const Listing& listing : page.tornados) {
    for (const Table& table : listing.tables) {
      for (const Row& row : table.rows) {
        const Cell *origin = row.find("origin"), *input = row.find("input");
        if (origin == nullptr || input == nullptr || exact_text(*origin) != "assumed") continue;
        for (const char* column : {"change_low_pct", "change_high_pct"}) {
          const Cell* change = row.find(column);
          if (change == nullptr || !is_number(*change) || std::abs(number_of(*change)) <= most) continue;
          most = std::abs(number_of(*change));
          name = exact_text(*input);
        }
      }
    }
  }
  if (name.empty()) return {};
  return fmt::format("The assumed input that matters most, {}, moves the answer by {:.2g} %.", name, most);
}

std::string approximation_sentence(const System& system) {
  if (system.time_tolerance > 0) return fmt::format("The simulation is approximate: completions closer than {:g} of the time counted as one.", system.time_tolerance);
  return system.forced ? "Kernel times come from calibrations of another GPU (--force)." : std::string();
}

}  // namespace

Verdict verdict_of(const Report& report) {
  Verdict v;
  for (const Expectation& e : report.expectations) {
    if (!e.not_reproducible.empty()) continue;
    ++v.all;
    if (e.pass) ++v.met;
    else if (e.known_miss.empty()) ++v.missed;
    else ++v.known;
  }
  return v;
}

std::vector<std::string> doubts_of(const PagePart& part, const WebPage& page) {
  const Report& report = part.report;
  std::vector<std::string> out = {verdict_sentence(report)};
  std::vector<std::string> rest = {proof_sentence(report), approximation_sentence(report.system), band_sentence(report), weight_sentence(page), constants_sentence(report)};
  rest.insert(rest.end(), report.warnings.begin(), report.warnings.end());
  std::ranges::copy_if(rest, std::back_inserter(out), [](const std::string& s) { return !s.empty(); });
  return out;
}

}  // namespace weft::reports
