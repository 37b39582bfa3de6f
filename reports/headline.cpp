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

/// Times that say when, how often, or how long was looked, and not how long something takes.
constexpr std::array<std::string_view, 5> kNoDurations = {"from_s", "until_s", "simulated_s", "window_s", "interval_s"};
/// Names under which a time or a price needs no name.
constexpr std::array<std::string_view, 8> kPlain = {"time_us", "step_time_s", "total_s", "makespan_s", "latency_us", "replayed_ms", "pass_ms", "price_MUSD"};

bool is_plain(const std::string& column) { return std::ranges::find(kPlain, column) != kPlain.end(); }

std::string labels_of(const Table& table, const Row& row) {
  std::string text;
  for (const ColumnDoc& d : table.label_columns) {
    if (const Cell* c = row.find(d.name)) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", d.name, readable_text(*c));
  }
  return text;
}

/// " (gpus 128)": those labels of a row in which the table's rows differ; empty when they differ in none.
std::string place_of(const Table& table, const Row& row) {
  std::string text;
  for (const ColumnDoc& d : table.label_columns) {
    const Cell* c = row.find(d.name);
    const bool differs = c != nullptr && std::ranges::any_of(table.rows, [&](const Row& r) { return r.find(d.name) == nullptr || *r.find(d.name) != *c; });
    if (differs) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", d.name, readable_text(*c));
  }
  return text.empty() ? text : fmt::format(" ({})", text);
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
  std::string column;
  double size() const { return std::abs(std::log(ratio)); }
};

/// Below this a change is none.
constexpr double kNothing = 1e-3;

/// The largest change of each variant in one column of a table; variants without a row that compares are left out.
std::map<std::string, Change> changes_in(const Table& t, const std::string& column, const std::string& base_name) {
  std::map<std::string, double> base;
  for (const Row& r : t.rows) {
    if (variant_of(r) == base_name) base.try_emplace(labels_of(t, r), positive(r, column));
  }
  std::map<std::string, Change> worst;
  for (const Row& r : t.rows) {
    const auto at = base.find(labels_of(t, r));
    if (variant_of(r) == base_name || at == base.end()) continue;
    const Change c{positive(r, column) / at->second, &t, &r, column};
    if (!std::isfinite(c.ratio)) continue;
    const auto [known, fresh] = worst.try_emplace(variant_of(r), c);
    if (!fresh && c.size() > known->second.size()) known->second = c;
  }
  return worst;
}

/// The largest change of each variant over all tables, in each by its first time, price or throughput in which any variant changes.
std::map<std::string, Change> changes_of(const Report& report) {
  std::map<std::string, Change> worst;
  for (const Table& t : report.tables) {
    std::map<std::string, Change> here;
    for (const ColumnDoc& d : t.columns) {
      if (d.detail || measure_of(d.name).what == What::none) continue;
      auto more = changes_in(t, d.name, report.variants.front());
      const bool changed = std::ranges::any_of(more, [](const auto& c) { return c.second.size() >= kNothing; });
      if (here.empty() || changed) here = std::move(more);
      if (changed) break;
    }
    for (const auto& [variant, c] : here) {
      const auto [known, fresh] = worst.try_emplace(variant, c);
      if (!fresh && c.size() > known->second.size()) known->second = c;
    }
  }
  return worst;
}

/// The name of a variant inside a sentence, where its own words would run into those around it.
std::string in_quotes(const std::string& variant) { return fmt::format("\"{}\"", variant); }

/// `"B" takes 1.17 times as long as "A" in all_to_all (size_B 1,024)`.
std::string told(const Change& c, const std::string& variant, const std::string& base) {
  const What what = measure_of(c.column).what;
  const std::string times = significant_text(c.ratio, 3), place = c.table->id + place_of(*c.table, *c.row);
  if (is_plain(c.column) && what == What::time) return fmt::format("{} takes {} times as long as {} in {}", in_quotes(variant), times, in_quotes(base), place);
  if (is_plain(c.column) && what == What::price) return fmt::format("{} costs {} times as much as {} in {}", in_quotes(variant), times, in_quotes(base), place);
  return fmt::format("{} has {} times the {} of {} in {}", in_quotes(variant), times, c.column, in_quotes(base), place);
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
  if (largest->size() < kNothing) {
    const std::string all = changes.size() == 1 ? in_quotes(who) + " is" : changes.size() == 2 ? "Both others are" : fmt::format("All {} others are", changes.size());
    return fmt::format("{} {} of {} in every time, price and rate", all, within(largest->size()), in_quotes(base));
  }
  std::string text = told(*largest, who, base);
  // The others by the same measure: in what else they differ, the tables say.
  const std::map<std::string, Change> there = changes_in(*largest->table, largest->column, base);
  double rest = 0;
  std::string other;
  for (const auto& [name, c] : there) {
    if (name == who) continue;
    rest = std::max(rest, c.size());
    other = name;
  }
  if (there.size() == 2) text += fmt::format("; there {} stays {} of {}", in_quotes(other), within(rest), in_quotes(base));
  if (there.size() > 2) text += fmt::format("; there the others stay {} of {}", within(rest), in_quotes(base));
  return text;
}

/// What the first table with a main column comes to, for a single variant.
std::string value_sentence(const Report& report) {
  for (const Table& t : report.tables) {
    const ColumnDoc* column = main_column(t);
    if (column == nullptr) continue;
    const Row *least = nullptr, *most = nullptr;
    for (const Row& r : t.rows) {
      const double v = positive(r, column->name);
      if (std::isnan(v)) continue;
      if (least == nullptr || v < positive(*least, column->name)) least = &r;
      if (most == nullptr || v > positive(*most, column->name)) most = &r;
    }
    if (least == nullptr) continue;
    const Measure m = measure_of(column->name);
    const auto value = [&](const Row& r) { return significant_text(positive(r, column->name), 4); };
    const std::string does = !is_plain(column->name) ? fmt::format("{} of {} is", column->name, t.id) : t.id + (m.what == What::price ? " costs" : " takes");
    if (value(*least) == value(*most)) return fmt::format("{} {} {}", does, value(*least), m.unit);
    return fmt::format("{} {} {}{} to {} {}{}", does, value(*least), m.unit, place_of(t, *least), value(*most), m.unit, place_of(t, *most));
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
  if (worst != nullptr) return fmt::format("{} of {} expected values {} met; worst: {} ({:+.2g} %)", met, all, met == 1 ? "is" : "are", worst->of, worst->error_pct);
  if (all <= 2) return all == 1 ? "The expected value is met" : "Both expected values are met";
  return fmt::format("All {} expected values are met", all);
}

}  // namespace

Measure measure_of(const std::string& column) {
  if (column.starts_with("bound_") || std::ranges::find(kNoDurations, column) != kNoDurations.end()) return {};
  for (const Suffix& s : kSuffixes) {
    if (column.ends_with(s.end)) return {s.what, std::string(s.unit)};
  }
  return {};
}

const ColumnDoc* main_column(const Table& table) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(), [&](const ColumnDoc& d) {
    // The first row is what the others are about: a sum, or the first of a list.
    return !d.detail && measure_of(d.name).what != What::none && !table.rows.empty() && !std::isnan(positive(table.rows.front(), d.name));
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
