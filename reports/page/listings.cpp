// Sensitivities as tornados, sweeps as clouds of points with their front.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/page/sections.h"
#include "sim/core/error.h"

namespace weft::reports {
namespace {

constexpr std::size_t kMostBars = 25;
constexpr std::size_t kMostPoints = 20000;

const Table* table_named(const Listing& listing, std::string_view id) {
  const auto at = std::ranges::find(listing.tables, id, &Table::id);
  return at == listing.tables.end() ? nullptr : &*at;
}

/// Columns in the order in which the rows have them, with every row's cells as text.
TextTable table_of(const Table& table, std::string caption) {
  TextTable out{std::move(caption), {}, {}, {}, {}};
  for (const Row& row : table.rows) {
    for (const auto& [name, cell] : row.cells()) {
      if (std::ranges::find(out.headers, name) == out.headers.end()) out.headers.push_back(name);
    }
  }
  out.right.assign(out.headers.size(), true);
  for (const Row& row : table.rows) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < out.headers.size(); ++i) {
      const Cell* cell = row.find(out.headers[i]);
      if (cell != nullptr && !is_number(*cell)) out.right[i] = false;
      texts.push_back(cell == nullptr ? "-" : readable_text(*cell));
    }
    out.rows.push_back(std::move(texts));
  }
  return out;
}

std::optional<double> number_in(const Row& row, std::string_view column) {
  const Cell* cell = row.find(column);
  return cell != nullptr && is_number(*cell) ? std::optional(number_of(*cell)) : std::nullopt;
}

std::string word_in(const Row& row, std::string_view column) {
  const Cell* cell = row.find(column);
  return cell == nullptr ? std::string() : exact_text(*cell);
}

Json tornado_json(const Table& table) {
  Json bars = Json::array();
  for (const Row& row : table.rows) {
    const auto low = number_in(row, "change_low_pct"), high = number_in(row, "change_high_pct");
    if (bars.size() == kMostBars || (!low && !high)) continue;
    if (low.value_or(0) == 0 && high.value_or(0) == 0) continue;
    bars.push_back({{"input", clean_text(word_in(row, "input"))}, {"low_pct", rounded(low.value_or(0))}, {"high_pct", rounded(high.value_or(0))},
                    {"low", clean_text(word_in(row, "low"))}, {"high", clean_text(word_in(row, "high"))}, {"origin", clean_text(word_in(row, "origin"))}});
  }
  return bars;
}

void write_notes(const std::vector<std::string>& notes, const Writing& w) {
  for (const std::string& note : notes) w.html.element("p", note);
}

}  // namespace

void write_tornado(const Listing& listing, std::size_t number, const Writing& w) {
  const Table* table = table_named(listing, "sensitivity");
  if (table == nullptr) throw UserError("", "a sensitivity without its table \"sensitivity\"", "weft sensitivity SCENARIO --json -o FILE writes one");
  w.heading("What the answer hangs on", fmt::format("sensitivity-{}", number + 1));
  if (const Table* answer = table_named(listing, "answer"); answer != nullptr && !answer->rows.empty()) {
    const std::string sentence = word_in(answer->rows.front(), "sentence");
    if (!sentence.empty()) w.html.element("p", sentence, {{"class", "question"}});
    write_closed_table(w.html, table_of(*answer, "The answer that is looked at"), "The answer that is looked at");
  }
  write_notes(listing.notes, w);
  w.data = {{"bars", tornado_json(*table)}};
  {
    const Figure figure(w.html, "tornado", w.pointer, "Change of the answer when one input moves", "percent; the input that matters most on top",
                        fmt::format("Tornado chart of {} inputs", w.data["bars"].size()));
    write_closed_table(w.html, table_of(*table, "Every input that was moved"));
  }
  for (const char* id : {"assumed", "not_moved"}) {
    const Table* more = table_named(listing, id);
    if (more != nullptr && !more->rows.empty()) {
      write_closed_table(w.html, table_of(*more, more->title.empty() ? id : more->title), std::string(id) == "assumed" ? "Assumed inputs that matter" : "Inputs that were not moved");
    }
  }
}

namespace {

/// What tells a point from its neighbours: its words and the inputs that were varied, without the two that are drawn.
std::string point_name(const Row& row, const Table& table, const WebPage& page) {
  std::string out;
  const auto add = [&](const std::string& name, const Cell& cell) { out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name, readable_text(cell)); };
  for (const ColumnDoc& label : table.label_columns) {
    if (const Cell* cell = row.find(label.name)) add(label.name, *cell);
  }
  if (!out.empty()) return out;
  for (const auto& [name, cell] : row.cells()) {
    if (name == page.x || name == page.y || name == "on_front") continue;
    if (name.starts_with('/') || !is_number(cell)) add(name, cell);
  }
  return out;
}

bool on_front(const Row& row) {
  const Cell* cell = row.find("on_front");
  return cell != nullptr && exact_text(*cell) == "true";
}

Json cloud_json(const Table& table, const WebPage& page) {
  struct Point { double x, y; bool front; std::string name; };
  std::vector<Point> points;
  for (const Row& row : table.rows) {
    const auto x = number_in(row, page.x), y = number_in(row, page.y);
    if (x && y && points.size() < kMostPoints) points.push_back({*x, *y, on_front(row), point_name(row, table, page)});
  }
  std::ranges::stable_sort(points, {}, &Point::x);
  Json out = {{"x_name", page.x}, {"y_name", page.y}, {"x", Json::array()}, {"y", Json::array()}, {"front", Json::array()}, {"names", Json::array()}};
  for (const Point& p : points) {
    out["x"].push_back(rounded(p.x));
    out["y"].push_back(rounded(p.y));
    out["front"].push_back(p.front ? 1 : 0);
    out["names"].push_back(clean_text(p.name));
  }
  return out;
}

/// Without the columns that only say what is the same in all rows: the one variant, the one workload.
Table without_constant_labels(Table table) {
  for (const char* label : {"variant", "workload"}) {
    const auto text = [&](const Row& row) { const Cell* c = row.find(label); return c == nullptr ? std::string() : exact_text(*c); };
    if (table.rows.empty() || !std::ranges::all_of(table.rows, [&](const Row& row) { return text(row) == text(table.rows.front()); })) continue;
    for (Row& row : table.rows) {
      Row kept;
      for (const auto& [name, cell] : row.cells()) {
        if (name != label) kept.set(name, cell);
      }
      row = std::move(kept);
    }
  }
  return table;
}

}  // namespace

void write_sweep(const Listing& listing, std::size_t number, const WebPage& page, const Writing& w) {
  w.heading("Sweep", fmt::format("sweep-{}", number + 1));
  if (!page.parts.empty() && !listing.headline.empty()) w.html.element("p", listing.headline);   // alone it is the page's title
  if (page.x.empty()) w.html.element("p", "weft report --x COLUMN --y COLUMN draws two of the columns against each other, with their Pareto front.");
  write_notes(listing.notes, w);
  bool drawn = false;
  for (const Table& whole : listing.tables) {
    if (whole.rows.empty()) continue;
    const Table table = without_constant_labels(whole);
    const std::string title = table.title.empty() ? table.id : table.title, caption = fmt::format("{}, {} {}", title, table.rows.size(), table.rows.size() == 1 ? "row" : "rows");
    const bool drawable = !drawn && !page.x.empty() && std::ranges::any_of(table.rows, [&](const Row& r) { return number_in(r, page.x) && number_in(r, page.y); });
    if (!drawable) {
      w.heading(title, {}, 1);
      if (table.rows.size() > kLongTable) write_closed_table(w.html, table_of(table, caption), caption);
      else write_table(w.html, table_of(table, caption));
      continue;
    }
    drawn = true;
    w.data = cloud_json(table, page);
    const auto best = std::ranges::count_if(table.rows, on_front);
    const std::size_t more = title.find("; ");
    const std::string competing = more == std::string::npos ? "" : title.substr(more);   // what a front's title warns of
    const Figure figure(w.html, "front", w.pointer, fmt::format("{} against {}", page.y, page.x), (best == 0 ? "every point of the sweep" : "every point of the sweep; the line joins those that nothing beats in both") + competing,
                        fmt::format("Chart of {} points{}", table.rows.size(), best == 0 ? "" : fmt::format(", {} of them on the Pareto front", best)));
    write_closed_table(w.html, table_of(table, caption));
  }
}

}  // namespace weft::reports
