#include "scenarios/studies/uncertainty.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/errors.h"
#include "scenarios/parallel.h"

namespace weft::scenarios {
namespace {

/// Each column's percentiles, in the order in which they stand beside it.
struct Band { const char* suffix; double part; const char* words; };
constexpr Band kBands[] = {{"_p5", 0.05, "5 % of the draws lie below"}, {"_p50", 0.5, "half of the draws lie below"}, {"_p95", 0.95, "95 % of the draws lie below"}};

std::optional<double> number_in(const Cell* c) {
  if (c == nullptr) return {};
  if (const auto* d = std::get_if<double>(c)) return *d;
  if (const auto* i = std::get_if<std::int64_t>(c)) return static_cast<double>(*i);
  return {};
}

/// Values of one column by row and draw; a row without the column has none.
using Values = std::vector<std::vector<double>>;

/// What the draws gave for a table of the report; by its id, since workloads without kernel times do not run again.
class DrawnTable {
 public:
  DrawnTable(const reports::Table& point, const std::vector<reports::Report>& draws) {
    for (const reports::Report& r : draws) {
      const auto at = std::find_if(r.tables.begin(), r.tables.end(), [&](const reports::Table& t) { return t.id == point.id; });
      if (at != r.tables.end()) tables_.push_back(&*at);
    }
    if (tables_.empty()) return;
    // Rows of a variant stand in the same order in every run; variants without kernel times are missing from the draws.
    std::map<Cell, std::vector<std::size_t>> rows_of;
    const std::vector<Row>& rows = tables_.front()->rows;
    for (std::size_t i = 0; i < rows.size(); ++i) rows_of[*rows[i].find("variant")].push_back(i);
    std::map<Cell, std::size_t> next;
    for (const Row& row : point.rows) {
      const Cell& variant = *row.find("variant");
      const std::vector<std::size_t>& known = rows_of[variant];
      const std::size_t index = next[variant]++;
      places_.push_back(index < known.size() ? std::optional(known[index]) : std::nullopt);
    }
  }

  bool empty() const { return tables_.empty(); }

  Values values(const std::string& column) const {
    Values out(places_.size());
    for (std::size_t row = 0; row < places_.size(); ++row) {
      if (!places_[row]) continue;
      for (const reports::Table* t : tables_) {
        if (const auto v = number_in(t->rows[*places_[row]].find(column))) out[row].push_back(*v);
      }
    }
    return out;
  }

 private:
  std::vector<const reports::Table*> tables_;
  std::vector<std::optional<std::size_t>> places_;
};

bool moves(const Values& values) {
  return std::any_of(values.begin(), values.end(), [](const std::vector<double>& v) {
    return !v.empty() && std::any_of(v.begin(), v.end(), [&](double x) { return x != v.front(); });
  });
}

/// The row with its bands behind each column that moves.
Row banded(const Row& row, const std::vector<std::pair<std::string, Values>>& moving, std::size_t index) {
  Row out;
  for (const auto& [name, cell] : row.cells()) {
    out.set(name, cell);
    for (const auto& [column, values] : moving) {
      if (column != name || values[index].empty()) continue;
      std::vector<double> sorted = values[index];
      std::sort(sorted.begin(), sorted.end());
      for (const Band& b : kBands) out.set(name + b.suffix, models::quantile(sorted, b.part));
    }
  }
  return out;
}

/// Returns whether anything moves.
bool add_bands(reports::Table& table, const std::vector<reports::Report>& draws) {
  const DrawnTable drawn(table, draws);
  if (drawn.empty()) return false;
  std::vector<std::pair<std::string, Values>> moving;
  std::vector<ColumnDoc> columns;
  for (const ColumnDoc& doc : table.columns) {
    columns.push_back(doc);
    Values values = drawn.values(doc.name);
    if (!moves(values)) continue;
    for (const Band& b : kBands) columns.push_back({doc.name + b.suffix, fmt::format("{}: {}", doc.name, b.words), doc.detail});
    moving.emplace_back(doc.name, std::move(values));
  }
  table.columns = std::move(columns);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < table.rows.size(); ++i) rows.push_back(banded(table.rows[i], moving, i));
  table.rows = std::move(rows);
  return !moving.empty();
}

}  // namespace

void add_uncertainty(reports::Report& report, const Scenario& scenario, const DataPlaces& data, const RunOptions& options, std::size_t draws) {
  WEFT_CHECK(draws >= 1 && draws <= kMostDraws, "the caller checks the number of draws");
  if (report.system.cost_model.empty()) {
    report.notes.push_back("nothing here is uncertain to weft: --uncertainty draws kernel times, and this scenario uses none");
    report.warnings.push_back(report.notes.back());
    return;
  }
  RunOptions each = options;
  each.jobs = 1;
  each.progress = nullptr;
  if (!each.kernel_times) each.kernel_times = std::make_shared<const KernelTimes>(data, options.kernels);
  std::vector<reports::Report> runs(draws);
  run_parallel(draws, threads_of(options.jobs), options.progress, [&](std::size_t i) {
    RunOptions one = each;
    one.draw = KernelDraw{options.seed, i};
    reports::Report r = run_scenario(scenario, data, one);
    runs[i].tables = std::move(r.tables);   // of a draw nothing else is asked
  });
  bool any = false;
  for (reports::Table& t : report.tables) any = add_bands(t, runs) || any;
  report.system.draws = draws;
  if (any) {
    report.notes.push_back(fmt::format(
        "bands: 5, 50 and 95 % of {} draws (seed {}) of what kernel times may be: the parameters of their calibrations within their confidence "
        "regions, and an error of each shape family that grows with the distance from what was measured, from the fit's own to that on families left "
        "out and beyond; not the network, nor the roofline", draws, options.seed));
  } else {
    report.notes.push_back(fmt::format("{} draws moved nothing: a roofline has no uncertainty, it is a bound", draws));
  }
}

}  // namespace weft::scenarios
