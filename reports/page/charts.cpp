// Curves, rooflines and costs: charts that follow from the tables alone.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/page/sections.h"

namespace weft::reports {
namespace {

Json numbers_json(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double v : values) out.push_back(rounded(v));
  return out;
}

/// Labels: whole numbers that are read as such (1 GiB).
Json exact_json(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double v : values) out.push_back(v);
  return out;
}

Json curve_json(const Curve& c) {
  Json out = {{"title", clean_text(c.title)}, {"x_name", clean_text(c.x_name)}, {"y_name", clean_text(c.y_name)}, {"x_log", c.x_log}, {"y_log", c.y_log},
              {"lines", Json::array()}, {"published", Json::array()}};
  for (const auto& l : c.lines) {
    out["lines"].push_back({{"name", clean_text(l.name)}, {"x", exact_json(l.x)}, {"y", numbers_json(l.y)}, {"low", numbers_json(l.low)}, {"high", numbers_json(l.high)}});
  }
  for (const auto& p : c.published) {
    out["published"].push_back({{"name", clean_text(p.name)}, {"x", p.x}, {"y", rounded(p.y)}, {"tolerance_pct", rounded(p.tolerance_pct)}, {"pass", p.pass}});
  }
  return out;
}

/// One row an x, one column a line; then the expected values that stand at that x.
TextTable curve_table(const Curve& c) {
  TextTable t{fmt::format("{} over {}", c.y_name, c.x_name), {c.x_name}, {true}, {}, {}};
  std::map<double, std::vector<std::string>> rows;
  for (std::size_t i = 0; i < c.lines.size(); ++i) {
    t.headers.push_back(c.lines[i].name);
    t.right.push_back(true);
    for (std::size_t k = 0; k < c.lines[i].x.size(); ++k) {
      auto& row = rows[c.lines[i].x[k]];
      row.resize(c.lines.size() + 1, "-");
      row[i + 1] = readable_text(c.lines[i].y[k]);
    }
  }
  if (!c.published.empty()) t.headers.push_back("expected"), t.right.push_back(true);
  for (auto& [x, row] : rows) {
    row[0] = readable_text(x);
    if (c.published.empty()) continue;
    std::string known;
    for (const auto& p : c.published) {
      if (p.x == x) known += fmt::format("{}{} ± {:.3g} %", known.empty() ? "" : ", ", readable_text(p.y), p.tolerance_pct);
    }
    row.push_back(known.empty() ? "-" : known);
  }
  for (auto& [x, row] : rows) t.rows.push_back(std::move(row));
  return t;
}

std::string curve_words(const Curve& c) {
  const auto missed = std::ranges::count(c.published, false, &Curve::Point::pass);
  return fmt::format("Chart of {} over {}, {} {}{}", c.y_name, c.x_name, c.lines.size(), c.lines.size() == 1 ? "line" : "lines",
                     c.published.empty() ? "" : fmt::format(", {} expected points of which {} are out of tolerance", c.published.size(), missed));
}

/// A kernel that was timed: where it stands under its roof.
struct Timed {
  std::string table, group, name, bound_by;   ///< group: kernels of one colour
  double intensity = 0, tflops = 0, roof = 0;   ///< FLOP/byte; TFLOP/s
  std::int64_t sms = 0;
};

const Cell* number_in(const Row& row, const char* column) {
  const Cell* cell = row.find(column);
  return cell != nullptr && is_number(*cell) && number_of(*cell) > 0 ? cell : nullptr;
}

std::vector<Timed> timed_kernels(const Report& report) {
  std::vector<Timed> out;
  for (const Table& table : report.tables) {
    for (const Row& row : table.rows) {
      const Cell *tflops = number_in(row, "tflops"), *rate = number_in(row, "GBps"), *time = number_in(row, "time_us"), *best = number_in(row, "roofline_us");
      const Cell *bound = row.find("bound_by"), *sms = number_in(row, "sms");
      if (!tflops || !rate || !time || !best || !bound) continue;
      const Cell *family = row.find("family"), *flavour = row.find("kernel_variant");
      std::string group = family == nullptr ? table.id : exact_text(*family) + (flavour == nullptr ? "" : " " + exact_text(*flavour));
      Timed k{table.id, std::move(group), {}, exact_text(*bound), 1e3 * number_of(*tflops) / number_of(*rate), number_of(*tflops), number_of(*tflops) * number_of(*time) / number_of(*best),
              sms ? std::get<std::int64_t>(*sms) : 0};
      for (const ColumnDoc& label : table.label_columns) {
        const Cell* cell = row.find(label.name);
        if (cell != nullptr) k.name += fmt::format("{}{}={}", k.name.empty() ? "" : ", ", label.name, exact_text(*cell));
      }
      out.push_back(std::move(k));
    }
  }
  return out;
}

bool memory_bound(const Timed& k) { return k.bound_by.find("tensor") == std::string::npos && k.bound_by.find("SM") == std::string::npos; }

/// The roofs that the kernels stand under, each once: slopes (memory) by bytes a second, flat ones by operations.
Json roofs_of(const std::vector<Timed>& kernels) {
  Json out = Json::array();
  std::map<std::string, bool> seen;
  for (const Timed& k : kernels) {
    const double slope = memory_bound(k) ? rounded(1e3 * k.roof / k.intensity) : 0;
    const std::string value = memory_bound(k) ? readable_text(slope) + " GB/s" : readable_text(k.roof) + " TFLOP/s";
    const std::string name = fmt::format("{}{}: {}", k.bound_by, k.sms > 0 && !memory_bound(k) ? fmt::format(" on {} SMs", k.sms) : "", value);
    if (std::exchange(seen[name], true)) continue;
    out.push_back({{"name", clean_text(name)}, {"slope_GBps", rounded(slope)}, {"flat_tflops", memory_bound(k) ? 0 : rounded(k.roof)}});
  }
  return out;
}

TextTable roofline_table(const std::vector<Timed>& kernels) {
  TextTable t{"Kernels under their roofs", {"kernel", "shape", "FLOP per byte", "TFLOP/s", "its roof, TFLOP/s", "of it", "bounded by"}, {false, false, true, true, true, true, false}, {}, {}};
  for (const Timed& k : kernels) {
    t.rows.push_back({k.table, k.name, readable_text(k.intensity), readable_text(k.tflops), readable_text(k.roof), fmt::format("{:.3g} %", 100 * k.tflops / k.roof), k.bound_by});
  }
  return t;
}

/// Columns of a price table that are parts of the price.
std::vector<std::string> price_parts(const Table& table) {
  std::vector<std::string> out;
  for (const ColumnDoc& c : table.columns) {
    if (!c.name.starts_with("price") && c.name.ends_with("_MUSD")) out.push_back(c.name);
  }
  return out;
}

bool has_price(const Table& table) { return table.kind == "price" && !price_parts(table).empty(); }

}  // namespace

bool has_rooflines(const PagePart& part) { return !timed_kernels(part.report).empty(); }
bool has_costs(const PagePart& part) { return std::ranges::any_of(part.report.tables, has_price); }

void write_curves(const PagePart& part, const Writing& w) {
  if (part.curves.empty()) return;
  w.heading("Curves", "curves");
  w.html.element("p", "Lines are what was computed; diamonds are expected values with their tolerance. Drag across a chart to zoom in, double-click to come back.");
  Json& data = w.data["curves"] = Json::array();
  w.html.open("div", {{"class", "charts"}}).line();
  for (std::size_t i = 0; i < part.curves.size(); ++i) {
    const Curve& c = part.curves[i];
    data.push_back(curve_json(c));
    const Figure figure(w.html, "curve", fmt::format("{}/curves/{}", w.pointer, i), c.title, fmt::format("{} over {}", c.y_name, c.x_name), curve_words(c));
    write_closed_table(w.html, curve_table(c));
  }
  w.html.close().line();
}

void write_rooflines(const PagePart& part, const Writing& w) {
  const std::vector<Timed> kernels = timed_kernels(part.report);
  if (kernels.empty()) return;
  w.heading("Roofline", "roofline");
  Json points = Json::array();
  for (const Timed& k : kernels) points.push_back({{"group", clean_text(k.group)}, {"name", clean_text(k.table + ": " + k.name)}, {"x", rounded(k.intensity)}, {"y", rounded(k.tflops)}});
  w.data["roofline"] = {{"roofs", roofs_of(kernels)}, {"points", std::move(points)}};
  const Figure figure(w.html, "roofline", w.pointer + "/roofline", "Kernels under the roofs of memory and tensor cores", "operations a second over operations per byte of memory",
                      fmt::format("Roofline chart of {} kernels", kernels.size()));
  write_closed_table(w.html, roofline_table(kernels));
}

void write_costs(const PagePart& part, const Writing& w) {
  if (!has_costs(part)) return;
  w.heading("What it costs", "costs");
  Json& data = w.data["costs"] = Json::array();
  for (const Table& table : part.report.tables) {
    if (!has_price(table)) continue;
    const std::vector<std::string> parts = price_parts(table);
    Json rows = Json::array();
    TextTable t{fmt::format("{}: parts of the price, million US dollars", table.id), {"variant"}, {false}, {}, {}};
    t.headers.insert(t.headers.end(), parts.begin(), parts.end());
    t.right.resize(t.headers.size(), true);
    for (const Row& row : table.rows) {
      const Cell* variant = row.find("variant");
      Json bar = {{"name", variant == nullptr ? table.id : clean_text(exact_text(*variant))}, {"parts", Json::array()}};
      std::vector<std::string> texts = {variant == nullptr ? table.id : exact_text(*variant)};
      for (const std::string& p : parts) {
        const Cell* cell = row.find(p);
        texts.push_back(cell == nullptr ? "-" : readable_text(*cell));
        if (cell == nullptr || !is_number(*cell)) continue;
        const std::string name = p.substr(0, p.size() - 5);   // without _MUSD
        bar["parts"].push_back({{"name", name}, {"group", name}, {"value", rounded(number_of(*cell))}});
      }
      rows.push_back(std::move(bar));
      t.rows.push_back(std::move(texts));
    }
    data.push_back({{"unit", "million USD"}, {"rows", std::move(rows)}});
    const Figure figure(w.html, "bars", fmt::format("{}/costs/{}", w.pointer, data.size() - 1), table.title.empty() ? table.id : table.title, "million US dollars", "Stacked bars of the price by variant");
    write_closed_table(w.html, t);
  }
}

}  // namespace weft::reports
