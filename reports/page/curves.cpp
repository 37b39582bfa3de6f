#include "reports/page/curves.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "reports/cells.h"

namespace weft::reports {
namespace {

constexpr std::size_t kFewest = 3;        // numbers on the x axis
constexpr std::size_t kMostLines = 8;     // in one chart, else it is split
constexpr std::size_t kMostCharts = 4;    // of one table, beside those with expected values
constexpr std::size_t kMostColumns = 2;   // of one table, beside those with expected values
constexpr double kSame = 1e-6;            // of a value: the rounding of a simulation
constexpr double kLogX = 30, kLogY = 100; // largest over smallest from which an axis is logarithmic

std::set<double> numbers(const Table& table, const std::string& column) {
  std::set<double> out;
  for (const Row& row : table.rows) {
    const Cell* cell = row.find(column);
    if (cell == nullptr) continue;
    if (!is_number(*cell)) return {};
    out.insert(number_of(*cell));
  }
  return out;
}

/// The labels that make a good x axis; those whose rows differ most come first.
std::vector<std::string> x_columns(const Table& table) {
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const ColumnDoc& label : table.label_columns) {
    const std::size_t n = numbers(table, label.name).size();
    if (n >= kFewest) found.emplace_back(n, label.name);
  }
  std::ranges::stable_sort(found, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> out;
  for (auto& [n, name] : found) out.push_back(std::move(name));
  return out;
}

bool is_time(std::string_view n) { return n.ends_with("_s") || n.ends_with("_us") || n.ends_with("_ms"); }
bool is_rate(std::string_view n) { return n.ends_with("Bps") || n.ends_with("bps") || n.ends_with("tps") || n.ends_with("_rps") || n == "tflops" || n.ends_with("_per_s"); }

/// Of `path` "variant/workload[labels]/column" what stands where; nothing of a ratio or of another table.
struct Published {
  std::string variant, column;
  std::map<std::string, std::string> labels;
  const Expectation* of = nullptr;
};

std::optional<Published> published_of(const Expectation& e, const Table& table) {
  const std::size_t first = e.of.find('/'), last = e.of.rfind('/');
  if (first == std::string::npos || first == last || e.of.find(" over ") != std::string::npos) return std::nullopt;
  std::string middle = e.of.substr(first + 1, last - first - 1);
  const std::size_t open = middle.find('[');
  if (middle.substr(0, open) != table.id) return std::nullopt;
  Published p{e.of.substr(0, first), e.of.substr(last + 1), {}, &e};
  std::string list = open == std::string::npos ? "" : middle.substr(open + 1, middle.size() - open - 2);
  while (!list.empty()) {
    const std::size_t comma = list.find(','), equals = list.find('=');
    if (equals == std::string::npos) return std::nullopt;
    p.labels[list.substr(0, equals)] = list.substr(equals + 1, comma == std::string::npos ? comma : comma - equals - 1);
    list = comma == std::string::npos ? "" : list.substr(list.find_first_not_of(' ', comma + 1));
  }
  return p;
}

std::vector<std::string> y_columns(const Table& table, const std::vector<Published>& published) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(out, name) == out.end() && numbers(table, name).size() > 1) out.push_back(name);
  };
  for (const ColumnDoc& c : table.columns) {
    if (std::ranges::find(published, c.name, &Published::column) != published.end()) add(c.name);
  }
  for (const auto wanted : {is_rate, is_time}) {
    const auto at = std::ranges::find_if(table.columns, [&](const ColumnDoc& c) { return !c.detail && c.name != "bound_us" && wanted(c.name); });
    if (at != table.columns.end() && out.size() < kMostColumns) add(at->name);
  }
  return out;
}

std::string text_at(const Row& row, const std::string& column) {
  const Cell* cell = row.find(column);
  return cell == nullptr ? std::string() : exact_text(*cell);
}

/// "size_B=1 GiB": the value of a label as people write it.
std::string label_text(const std::string& label, const Cell& value) {
  if (!label.ends_with("_B") || !is_number(value)) return fmt::format("{}={}", label, readable_text(value));
  const double bytes = number_of(value);
  for (const auto& [unit, name] : {std::pair{0x1p40, "TiB"}, {0x1p30, "GiB"}, {0x1p20, "MiB"}, {0x1p10, "KiB"}}) {
    if (bytes >= unit && std::fmod(bytes, unit) == 0) return fmt::format("{}={} {}", label, readable_text(bytes / unit), name);
  }
  return fmt::format("{}={}", label, readable_text(value));
}

/// Labels of a row other than the x axis and those that are the same in all rows: "variant, tp=8".
struct Split {
  const Table& table;
  std::string x;
  std::vector<std::string> others;   ///< labels that vary, x aside

  Split(const Table& t, std::string column) : table(t), x(std::move(column)) {
    for (const ColumnDoc& label : t.label_columns) {
      if (label.name == x) continue;
      std::set<std::string> values;
      for (const Row& row : t.rows) values.insert(text_at(row, label.name));
      if (values.size() > 1) others.push_back(label.name);
    }
  }
  std::string key(const Row& row) const {
    std::string out;
    for (const std::string& label : others) {
      const std::string value = text_at(row, label);
      if (!value.empty()) out += fmt::format("{}{}={}", out.empty() ? "" : ", ", label, value);
    }
    return out;
  }
  /// The same for people: of the first row with this key.
  std::string words(const std::string& of) const {
    const auto row = std::ranges::find_if(table.rows, [&](const Row& r) { return key(r) == of; });
    std::string out;
    for (const std::string& label : others) {
      const Cell* cell = row == table.rows.end() ? nullptr : row->find(label);
      if (cell != nullptr) out += fmt::format("{}{}", out.empty() ? "" : ", ", label_text(label, *cell));
    }
    return out;
  }
};

void add_band(Curve::Line& line, const Row& row, const std::string& column) {
  const Cell *low = row.find(column + "_p5"), *high = row.find(column + "_p95");
  if (low == nullptr || high == nullptr || !is_number(*low) || !is_number(*high)) return;
  line.low.push_back(number_of(*low));
  line.high.push_back(number_of(*high));
}

/// Lines by variant and labels; one that has two values at an x has a label that is no label, and is left out.
std::vector<std::pair<std::pair<std::string, std::string>, Curve::Line>> lines_of(const Split& split, const std::string& y) {
  std::vector<std::pair<std::pair<std::string, std::string>, Curve::Line>> out;
  for (const Row& row : split.table.rows) {
    const Cell *x = row.find(split.x), *value = row.find(y);
    if (x == nullptr || value == nullptr || !is_number(*value)) continue;
    const std::pair<std::string, std::string> key{text_at(row, "variant"), split.key(row)};
    auto at = std::ranges::find_if(out, [&](const auto& l) { return l.first == key; });
    if (at == out.end()) at = out.insert(out.end(), {key, {}});
    at->second.x.push_back(number_of(*x));
    at->second.y.push_back(number_of(*value));
    add_band(at->second, row, y);
  }
  std::erase_if(out, [](const auto& l) {
    const auto& xs = l.second.x;
    return xs.size() < 2 || std::set<double>(xs.begin(), xs.end()).size() != xs.size();
  });
  for (auto& [key, line] : out) {
    if (line.low.size() != line.x.size()) line.low.clear(), line.high.clear();
  }
  return out;
}

bool wide(const std::vector<double>& values, double ratio) {
  const auto [low, high] = std::ranges::minmax_element(values);
  return low != values.end() && *low > 0 && *high / *low >= ratio;
}

void choose_axes(Curve& curve) {
  std::vector<double> xs, ys;
  for (const Curve::Line& line : curve.lines) {
    xs.insert(xs.end(), line.x.begin(), line.x.end());
    ys.insert(ys.end(), line.y.begin(), line.y.end());
  }
  curve.x_log = wide(xs, kLogX);
  curve.y_log = wide(ys, kLogY);
}

/// The published points of a chart: those whose labels are a row's of one of its lines.
void add_published(Curve& curve, const Split& split, const std::vector<std::pair<std::string, std::string>>& keys, const std::vector<Published>& published) {
  for (const Published& p : published) {
    if (p.column != curve.y_name) continue;
    const auto at = p.labels.find(split.x);
    const auto row = std::ranges::find_if(split.table.rows, [&](const Row& r) {
      return text_at(r, "variant") == p.variant && std::ranges::all_of(p.labels, [&](const auto& l) { return text_at(r, l.first) == l.second; });
    });
    if (at == p.labels.end() || row == split.table.rows.end()) continue;
    if (std::ranges::find(keys, std::pair{p.variant, split.key(*row)}) == keys.end()) continue;
    curve.published.push_back({p.of->of, p.of->source, number_of(*row->find(split.x)), p.of->value, p.of->tolerance_pct, p.of->pass || !p.of->not_reproducible.empty()});
  }
}

/// A chart, and how many of its kind come after it: those of the largest labels come last.
struct Chart {
  Curve curve;
  std::size_t from_last = 0;
};

/// Lines that lie on one another are one, which has all their names: of two colours only one would be seen.
void join_equal(std::vector<Curve::Line>& lines) {
  const auto close = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::ranges::equal(a, b, [](double p, double q) { return std::abs(p - q) <= kSame * std::max(std::abs(p), std::abs(q)); });
  };
  std::vector<Curve::Line> out;
  for (Curve::Line& line : lines) {
    const auto at = std::ranges::find_if(out, [&](const Curve::Line& l) { return close(l.x, line.x) && close(l.y, line.y) && close(l.low, line.low) && close(l.high, line.high); });
    if (at == out.end()) out.push_back(std::move(line));
    else at->name += " = " + line.name;
  }
  lines = std::move(out);
}

/// All charts of one column over another.
std::vector<Chart> charts_of(const Split& split, const std::string& y, const std::vector<Published>& published, std::size_t variants) {
  auto lines = lines_of(split, y);
  if (lines.empty()) return {};
  const bool apart = lines.size() > kMostLines;
  std::vector<Chart> out;
  std::vector<std::string> groups;   // of the other labels, in order
  for (const auto& [key, line] : lines) {
    const std::string& group = apart ? key.second : split.table.id;
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const std::string& group = groups[g];
    Curve curve{apart ? fmt::format("{}, {}", split.table.id, split.words(group)) : split.table.id, split.x, y, false, false, {}, {}};
    std::vector<std::pair<std::string, std::string>> keys;
    for (auto& [key, line] : lines) {
      if (apart && key.second != group) continue;
      std::string name = variants > 1 ? key.first : "";
      if (!apart && !key.second.empty()) name += (name.empty() ? "" : ", ") + split.words(key.second);
      line.name = name.empty() ? y : name;
      keys.push_back(key);
      curve.lines.push_back(std::move(line));
    }
    join_equal(curve.lines);
    choose_axes(curve);
    add_published(curve, split, keys, published);
    out.push_back({std::move(curve), groups.size() - 1 - g});
  }
  return out;
}

std::vector<Curve> curves_of(const Table& table, const Report& report) {
  std::vector<Published> published;
  for (const Expectation& e : report.expectations) {
    if (auto p = published_of(e, table)) published.push_back(std::move(*p));
  }
  std::vector<Chart> all;
  for (const std::string& x : x_columns(table)) {
    const Split split(table, x);
    for (const std::string& y : y_columns(table, published)) {
      for (Chart& c : charts_of(split, y, published, report.variants.size())) all.push_back(std::move(c));
    }
  }
  // Those with published points are all shown; of the rest those of the largest labels.
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].curve.published.empty()) rest.push_back(i);
  }
  std::ranges::stable_sort(rest, {}, [&](std::size_t i) { return all[i].from_last; });
  rest.resize(std::min(rest.size(), kMostCharts));
  std::vector<Curve> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].curve.published.empty() || std::ranges::find(rest, i) != rest.end()) out.push_back(std::move(all[i].curve));
  }
  return out;
}

}  // namespace

std::vector<Curve> curves_of(const Report& report) {
  std::vector<Curve> out;
  for (const Table& table : report.tables) {
    if (table.kind == "kernel") continue;   // shapes are no axis: its picture is the roofline
    for (Curve& c : curves_of(table, report)) out.push_back(std::move(c));
  }
  return out;
}

}  // namespace weft::reports
