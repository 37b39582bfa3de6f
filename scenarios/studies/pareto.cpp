#include "scenarios/studies/pareto.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "scenarios/studies/designs.h"
#include "sim/core/cell_text.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

/// A column of one table.
struct Column {
  std::size_t table = 0;
  std::string name;
  std::string place;   // "--x", for errors
};

struct Candidate {
  double x = 0, y = 0;   // less is better, whatever the goal was
  Row row;
  std::string design;    // its point and variant
  bool on_front = false;
};

/// Columns that a whole design has several values of, as a sweep over sizes has: their rows answer different questions.
std::vector<std::string> questions(const std::vector<Candidate>& candidates, const std::vector<ColumnDoc>& labels) {
  std::vector<std::string> out;
  for (const ColumnDoc& d : labels) {
    std::map<std::string_view, const Cell*> first;
    const bool several = std::ranges::any_of(candidates, [&](const Candidate& c) {
      const Cell* cell = c.row.find(d.name);
      const auto [at, fresh] = first.try_emplace(c.design, cell);
      return !fresh && (cell == nullptr || at->second == nullptr ? cell != at->second : *cell != *at->second);
    });
    if (several) out.push_back(d.name);
  }
  return out;
}

/// Columns of which everybody wants less, and of which everybody wants more, by their unit.
bool wants_more(std::string_view column) {
  if (column.find("_per_") != std::string_view::npos) return column.find("USD") == std::string_view::npos && !column.starts_with("price") && !column.starts_with("cost");
  return column.ends_with("GBps") || column.ends_with("Gbps") || column.ends_with("tflops");
}

bool wants_less(std::string_view column) {
  static constexpr std::array<std::string_view, 10> kEndings = {"_us", "_ms", "_s", "_USD", "_kUSD", "_MUSD", "_kW", "_W", "_kWh", "_MWh"};
  return column.find("_per_") == std::string_view::npos && std::ranges::any_of(kEndings, [&](std::string_view e) { return column.ends_with(e); });
}

/// A goal without a prefix must not mean what nobody wants.
void refuse_opposite(const Goal& goal, const std::string& text, const std::string& option) {
  if (text != goal.column || !(goal.most ? wants_less(goal.column) : wants_more(goal.column))) return;
  throw UserError(option, fmt::format("\"{}\" as {} would be the better the {} it is", goal.column, goal.most ? "Y" : "X", goal.most ? "more" : "less"),
                  fmt::format("say {}:{}, or {}:{} if that is meant", goal.most ? "min" : "max", goal.column, goal.most ? "max" : "min", goal.column));
}

std::vector<std::size_t> tables_with(const Designs& designs, const std::string& column) {
  std::vector<std::size_t> out;
  for (const std::size_t t : designs.results()) {
    if (Designs::has_column(designs.table(t), column)) out.push_back(t);
  }
  return out;
}

/// Where a column stands; of several tables the one that has the other column, too.
Column find_column(const Designs& designs, const std::string& name, const std::string& other, const std::string& place) {
  const auto [table, column] = designs.split(name);
  if (table != nullptr && Designs::has_column(*table, column)) return {designs.place_of(table), column, place};
  const std::vector<std::size_t> tables = tables_with(designs, name);
  if (tables.empty()) throw UserError(place, fmt::format("there is no column \"{}\"", name), unknown_name_hint(name, designs.columns()));
  if (tables.size() == 1) return {tables.front(), name, place};
  const auto [other_table, other_column] = designs.split(other);
  std::vector<std::size_t> common;
  for (const std::size_t t : tables) {
    if (other_table != nullptr ? designs.place_of(other_table) == t : Designs::has_column(designs.table(t), other_column)) common.push_back(t);
  }
  if (common.size() == 1) return {common.front(), name, place};
  std::string choices;
  for (const std::size_t t : tables) choices += fmt::format("{}{}.{}", choices.empty() ? "" : ", ", designs.table(t).id, name);
  throw UserError(place, fmt::format("several tables have a column \"{}\"", name), "say which: " + choices);
}

double number_in(const Row& row, const Column& c, const Designs& designs) {
  const Cell& cell = *row.find(c.name);
  if (is_number(cell)) return number_of(cell);
  throw UserError(c.place, fmt::format("{}.{} is no number everywhere: \"{}\"", designs.table(c.table).id, c.name, exact_text(cell)), "a front needs two columns of numbers");
}

/// Marks what nothing beats; candidates in the order of (x, y).
void mark_front(std::vector<Candidate>& sorted) {
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end < sorted.size() && sorted[end].x == sorted[i].x) ++end;
    // Of one x the first have the best y; they are on the front when it is better than all before, which have a better x.
    if (sorted[i].y < best) {
      for (std::size_t k = i; k < end && sorted[k].y == sorted[i].y; ++k) sorted[k].on_front = true;
      best = sorted[i].y;
    }
    i = end;
  }
}

/// Two columns against each other, of one table or of two that are joined by design.
class Plotted {
 public:
  Plotted(const Designs& designs, const Column& x, const Column& y)
      : designs_(designs), x_(x), y_(y), joined_(x.table != y.table), x_name_(name_of(x)), y_name_(name_of(y)) {}

  reports::Table empty_table(const ParetoGoals& goals) const;
  /// In the order of the rows of x. Throws UserError when there is none.
  std::vector<Candidate> candidates(const ParetoGoals& goals, const std::vector<ColumnDoc>& labels) const;

 private:
  std::string name_of(const Column& c) const { return joined_ ? designs_.table(c.table).id + "." + c.name : c.name; }
  std::string meaning_of(const Column& c) const;
  std::vector<ColumnDoc> labels() const;

  const Designs& designs_;
  const Column &x_, &y_;
  bool joined_;
  std::string x_name_, y_name_;
};

std::string Plotted::meaning_of(const Column& c) const {
  const reports::Table& t = designs_.table(c.table);
  for (const auto* docs : {&t.columns, &t.label_columns}) {
    for (const ColumnDoc& d : *docs) {
      if (d.name == c.name) return d.text;
    }
  }
  return "a column";
}

std::vector<ColumnDoc> Plotted::labels() const {
  std::vector<ColumnDoc> out;
  for (const std::size_t t : {x_.table, y_.table}) {
    for (const ColumnDoc& d : designs_.table(t).label_columns) {
      if (joined_ && d.name == "workload") continue;
      const bool plotted = d.name == x_name_ || d.name == y_name_;
      if (!plotted && std::ranges::find(out, d.name, &ColumnDoc::name) == out.end()) out.push_back(d);
    }
  }
  return out;
}

reports::Table Plotted::empty_table(const ParetoGoals& goals) const {
  reports::Table out;
  out.id = "pareto";
  out.title = fmt::format("{} {} against {} {}", goals.x.most ? "most" : "least", x_name_, goals.y.most ? "most" : "least", y_name_);
  out.label_columns = labels();
  out.columns.push_back({x_name_, meaning_of(x_)});
  if (y_name_ != x_name_) out.columns.push_back({y_name_, meaning_of(y_)});
  out.columns.push_back({"on_front", "no other is better in one of the two and no worse in the other"});
  return out;
}

std::vector<Candidate> Plotted::candidates(const ParetoGoals& goals, const std::vector<ColumnDoc>& labels) const {
  std::vector<Candidate> out;
  const auto add = [&](const Row& mine, const Row& theirs) {
    if (mine.find(x_.name) == nullptr || theirs.find(y_.name) == nullptr) return;
    Candidate c;
    c.x = number_in(mine, x_, designs_) * (goals.x.most ? -1 : 1);
    c.y = number_in(theirs, y_, designs_) * (goals.y.most ? -1 : 1);
    for (const ColumnDoc& d : labels) {
      const Cell* cell = mine.find(d.name) != nullptr ? mine.find(d.name) : theirs.find(d.name);
      if (cell != nullptr) c.row.set(d.name, *cell);
    }
    c.design = designs_.design_of(mine);
    c.row.set(x_name_, *mine.find(x_.name)).set(y_name_, *theirs.find(y_.name));
    out.push_back(std::move(c));
  };
  for (std::size_t r = 0; r < designs_.table(x_.table).rows.size(); ++r) {
    const Designs::Place at{x_.table, r};
    if (!joined_) add(designs_.row(at), designs_.row(at));
    else for (const Designs::Place& other : designs_.beside(at, y_.table)) add(designs_.row(at), designs_.row(other));
  }
  if (out.empty()) {
    throw UserError("--x", fmt::format("no row, nor two rows of one point and variant, have both {} and {}", x_name_, y_name_), "--where may have left none");
  }
  return out;
}

}  // namespace

Goal parse_goal(const std::string& text, bool most, const std::string& option) {
  Goal goal{text, most};
  for (const bool wanted : {false, true}) {
    const std::string prefix = wanted ? "max:" : "min:";
    if (text.starts_with(prefix)) goal = {text.substr(prefix.size()), wanted};
  }
  refuse_opposite(goal, text, option);
  if (goal.column.empty()) throw UserError(option, "expected a column, or min:COLUMN or max:COLUMN", "for example max:tokens_per_s");
  return goal;
}

ParetoGoals parse_pareto(const std::string& text, const std::string& option) {
  const std::size_t comma = text.find(',');
  if (comma == std::string::npos || text.find(',', comma + 1) != std::string::npos) {
    throw UserError(option, fmt::format("expected two columns X,Y, got \"{}\"", text), "for example price.price_MUSD,max:step.tokens_per_day");
  }
  return {parse_goal(text.substr(0, comma), false, option), parse_goal(text.substr(comma + 1), true, option)};
}

void check_goals(const ParetoGoals& goals, const reports::Listing& listing, const std::vector<std::string>& allowed) {
  const Designs designs(listing);
  if (designs.results().empty()) return;   // every point failed
  for (const auto& [goal, place] : {std::pair(&goals.x, "--x"), std::pair(&goals.y, "--y")}) {
    designs.check(goal->column, allowed, [&, &name = goal->column, place = place](const std::string& hint) {
      throw UserError(place, fmt::format("there is no column \"{}\"", name), hint);
    });
  }
  const auto known = [&](const Goal& goal) { return designs.has_column(goal.column); };
  if (!known(goals.x) || !known(goals.y)) return;
  find_column(designs, goals.x.column, goals.y.column, "--x"), find_column(designs, goals.y.column, goals.x.column, "--y");   // each of one table
}

reports::Table pareto_table(const reports::Listing& listing, const ParetoGoals& goals, bool all) {
  const Designs designs(listing);
  if (designs.results().empty()) throw UserError("--pareto", "no point has a result");
  const Column x = find_column(designs, goals.x.column, goals.y.column, "--x"), y = find_column(designs, goals.y.column, goals.x.column, "--y");
  const Plotted plotted(designs, x, y);
  reports::Table out = plotted.empty_table(goals);
  std::vector<Candidate> candidates = plotted.candidates(goals, out.label_columns);
  if (const auto mixed = questions(candidates, out.label_columns); !mixed.empty()) {
    out.title += fmt::format("; rows of different {} of one design compete", fmt::join(mixed, ", "));
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  mark_front(candidates);
  for (Candidate& c : candidates) {
    if (c.on_front || all) out.rows.push_back(std::move(c.row.set("on_front", c.on_front)));
  }
  return out;
}

}  // namespace weft::scenarios
