#include "reports/headline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "reports/cells.h"

namespace weft::reports {
namespace {

struct Suffix {
  std::string_view end;
  Measure::What what;
  std::string_view unit;
};

using What = Measure::What;
// Longer endings stand before those that they end in.
constexpr std::array kSuffixes{
    Suffix{"tokens_per_day_B", What::rate, "billion tokens a day"}, Suffix{"tokens_per_s_per_node", What::rate, "tokens a second and node"},
    Suffix{"tokens_per_node_per_s", What::rate, "tokens a second and node"}, Suffix{"tokens_per_s", What::rate, "tokens a second"},
    Suffix{"_per_s", What::rate, "a second"}, Suffix{"_GBps", What::rate, "GB/s"}, Suffix{"_GiBps", What::rate, "GiB/s"},
    Suffix{"_TiBps", What::rate, "TiB/s"}, Suffix{"_TBps", What::rate, "TB/s"}, Suffix{"_Gbps", What::rate, "Gb/s"},
    Suffix{"_MUSD", What::price, "million USD"}, Suffix{"_kUSD", What::price, "thousand USD"}, Suffix{"_usd", What::price, "USD"},
    Suffix{"_USD", What::price, "USD"}, Suffix{"_ns", What::time, "ns"}, Suffix{"_us", What::time, "us"}, Suffix{"_ms", What::time, "ms"},
    Suffix{"_s", What::time, "s"}, Suffix{"_hours", What::time, "hours"}};

std::string labels_of(const Table& table, const Row& row) {
  std::string text;
  for (const ColumnDoc& d : table.label_columns) {
    if (const Cell* c = row.find(d.name)) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", d.name, readable_text(*c));
  }
  return text;
}

std::string variant_of(const Row& row) {
  const Cell* cell = row.find("variant");
  return cell == nullptr ? std::string() : exact_text(*cell);
}

/// A positive number, or NaN.
double positive(const Row& row, const std::string& column) {
  const Cell* cell = row.find(column);
  if (cell == nullptr || !is_number(*cell)) return std::nan("");
  const double v = number_of(*cell);
  return v > 0 && std::isfinite(v) ? v : std::nan("");
}

/// A cell of a variant against that of the base.
struct Change {
  double ratio = 1;
  const Table* table = nullptr;
  const Row* row = nullptr;
  Measure measure;
  double size() const { return std::abs(std::log(ratio)); }
};

/// The largest change of each variant; variants without a row that compares are left out.
std::map<std::string, Change> changes_of(const Report& report) {
  std::map<std::string, Change> worst;
  for (const Table& t : report.tables) {
    const ColumnDoc* column = main_column(t);
    if (column == nullptr) continue;
    std::map<std::string, double> base;
    for (const Row& r : t.rows) {
      if (variant_of(r) == report.variants.front()) base.try_emplace(labels_of(t, r), positive(r, column->name));
    }
    for (const Row& r : t.rows) {
      const auto at = base.find(labels_of(t, r));
      if (variant_of(r) == report.variants.front() || at == base.end()) continue;
      const Change c{positive(r, column->name) / at->second, &t, &r, measure_of(column->name)};
      if (!std::isfinite(c.ratio)) continue;
      const auto [known, fresh] = worst.try_emplace(variant_of(r), c);
      if (!fresh && c.size() > known->second.size()) known->second = c;
    }
  }
  return worst;
}

/// "1.17 times as long as MPFT in all_to_all (gpus 16, size_B 1,024)".
std::string told(const Change& c, const std::string& variant, const std::string& base) {
  const char* verb = c.measure.what == What::time ? "takes" : c.measure.what == What::price ? "costs" : "reaches";
  const char* as = c.measure.what == What::time ? " times as long as" : c.measure.what == What::price ? " times as much as" : " times the rate of";
  std::string place = c.table->id;
  std::size_t rows = 0;
  for (const Row& r : c.table->rows) rows += variant_of(r) == variant;
  if (const std::string labels = labels_of(*c.table, *c.row); rows > 1 && !labels.empty()) place += fmt::format(" ({})", labels);
  return fmt::format("{} {} {}{} {} in {}", variant, verb, significant_text(c.ratio, 3), as, base, place);
}

/// A bound on a share, as people say it: 1, 2, 5, 10, ... percent, not under the share.
std::string within(double largest_size) {
  const double percents = 100 * (std::exp(largest_size) - 1);
  for (const double step : {0.1, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0}) {
    if (percents <= step * (1 + 1e-9)) return fmt::format("within {} %", step);
  }
  return fmt::format("within a factor of {}", significant_text(std::ceil(10 * std::exp(largest_size)) / 10, 3));
}

std::string variants_sentence(const Report& report) {
  const std::map<std::string, Change> changes = changes_of(report);
  if (changes.empty()) return {};
  const std::string& base = report.variants.front();
  // Of equal changes that of the variant that stands first.
  const Change* largest = nullptr;
  std::string who;
  for (const std::string& v : report.variants) {
    const auto at = changes.find(v);
    if (at == changes.end() || (largest != nullptr && at->second.size() <= largest->size() * (1 + 1e-9))) continue;
    largest = &at->second;
    who = v;
  }
  constexpr double kNothing = 1e-3;
  if (largest->size() < kNothing) {
    return changes.size() == 1 ? fmt::format("{} is {} of {} everywhere", who, within(largest->size()), base)
                               : fmt::format("All {} others are {} of {} everywhere", changes.size(), within(largest->size()), base);
  }
  std::string text = told(*largest, who, base);
  double rest = 0;
  for (const auto& [name, c] : changes) {
    if (name != who) rest = std::max(rest, c.size());
  }
  if (changes.size() == 2) text += fmt::format("; {} stays {} of it", changes.begin()->first == who ? changes.rbegin()->first : changes.begin()->first, within(rest));
  if (changes.size() > 2) text += fmt::format("; the others stay {} of {}", within(rest), base);
  return text;
}

/// What the first table with a main column comes to, for a single variant.
std::string value_sentence(const Report& report) {
  for (const Table& t : report.tables) {
    const ColumnDoc* column = main_column(t);
    if (column == nullptr) continue;
    const Row *least = nullptr, *most = nullptr;
    std::size_t rows = 0;
    for (const Row& r : t.rows) {
      const double v = positive(r, column->name);
      if (std::isnan(v)) continue;
      ++rows;
      if (least == nullptr || v < positive(*least, column->name)) least = &r;
      if (most == nullptr || v > positive(*most, column->name)) most = &r;
    }
    if (least == nullptr) continue;
    const Measure m = measure_of(column->name);
    const char* verb = m.what == What::time ? "takes" : m.what == What::price ? "costs" : "reaches";
    const auto value = [&](const Row& r) { return significant_text(positive(r, column->name), 4); };
    const auto place = [&](const Row& r) { return labels_of(t, r).empty() ? std::string() : fmt::format(" ({})", labels_of(t, r)); };
    if (value(*least) == value(*most)) return fmt::format("{} {} {} {}", t.id, verb, value(*least), m.unit);
    return fmt::format("{} {} from {}{} to {} {}{} over {} rows", t.id, verb, value(*least), place(*least), value(*most), m.unit, place(*most), rows);
  }
  return {};
}

std::string expectations_sentence(const Report& report) {
  std::size_t all = 0, met = 0;
  const Expectation* worst = nullptr;
  for (const Expectation& e : report.expectations) {
    if (!e.not_reproducible.empty()) continue;
    ++all;
    met += e.pass;
    if (e.missed() && (worst == nullptr || std::abs(e.error_pct) > std::abs(worst->error_pct))) worst = &e;
  }
  if (all == 0) return {};
  if (worst != nullptr) return fmt::format("{} of {} published values {} met; worst: {} ({:+.2g} %)", met, all, met == 1 ? "is" : "are", worst->of, worst->error_pct);
  return all == 1 ? "The published value is met" : fmt::format("All {} published values are met", all);
}

}  // namespace

Measure measure_of(const std::string& column) {
  if (column.starts_with("bound_")) return {};
  for (const Suffix& s : kSuffixes) {
    if (column.ends_with(s.end)) return {s.what, std::string(s.unit)};
  }
  return {};
}

const ColumnDoc* main_column(const Table& table) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(), [&](const ColumnDoc& d) {
    if (measure_of(d.name).what == What::none) return false;
    return std::any_of(table.rows.begin(), table.rows.end(), [&](const Row& r) { return !std::isnan(positive(r, d.name)); });
  });
  return at == table.columns.end() ? nullptr : &*at;
}

std::string automatic_headline(const Report& report) {
  const std::string first = report.variants.size() > 1 ? variants_sentence(report) : value_sentence(report);
  const std::string second = expectations_sentence(report);
  const char* between = first.empty() || second.empty() ? "" : ". ";
  return first + between + second;
}

}  // namespace weft::reports
