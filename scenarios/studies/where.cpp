#include "scenarios/studies/where.h"

#include <optional>

#include <fmt/format.h>

#include "scenarios/studies/designs.h"

namespace weft::scenarios {
namespace {

/// The only value that a column has in some rows; nothing when there is none or several.
std::optional<Cell> only_value(const Designs& designs, const std::vector<Designs::Place>& rows, const std::string& column) {
  std::optional<Cell> value;
  for (const Designs::Place& at : rows) {
    const Cell* cell = designs.row(at).find(column);
    if (cell == nullptr) continue;
    if (value && *value != *cell) return std::nullopt;
    value = *cell;
  }
  return value;
}

std::optional<Cell> value_of(const Designs& designs, Designs::Place at, const std::string& name) {
  if (const Cell* own = designs.row(at).find(name)) return *own;
  const auto [table, column] = designs.split(name);
  if (table != nullptr) {
    const std::size_t t = designs.place_of(table);
    if (t != at.table) return only_value(designs, designs.beside(at, t), column);
    const Cell* own = designs.row(at).find(column);
    return own == nullptr ? std::nullopt : std::optional(*own);
  }
  std::vector<Designs::Place> beside;
  for (const std::size_t t : designs.results()) {
    if (t == at.table || !Designs::has_column(designs.table(t), name)) continue;
    const auto rows = designs.beside(at, t);
    beside.insert(beside.end(), rows.begin(), rows.end());
  }
  return only_value(designs, beside, name);
}

}  // namespace

void check_columns(const Expression& where, const reports::Listing& listing, const std::vector<std::string>& allowed) {
  const Designs designs(listing);
  if (designs.results().empty()) return;   // every point failed
  for (const Expression::Name& n : where.names()) {
    designs.check(n.name, allowed, [&](const std::string& hint) { where.fail(n.position, fmt::format("there is no column \"{}\"", n.name), hint); });
  }
}

std::vector<std::string> keep_where(reports::Listing& listing, const Expression& where) {
  check_columns(where, listing);
  const Designs designs(listing);
  std::vector<std::vector<char>> kept(listing.tables.size());
  std::vector<std::string> notes;
  for (const std::size_t t : designs.results()) {
    const reports::Table& table = listing.tables[t];
    std::size_t undecided = 0;
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      const auto holds = where.holds([&](const std::string& name) { return value_of(designs, {t, r}, name); });
      kept[t].push_back(holds.value_or(false));
      undecided += !holds;
    }
    if (undecided > 0) {
      notes.push_back(fmt::format("--where: {} of {} rows of {} were left out because a column has no value there, or several", undecided, table.rows.size(), table.id));
    }
  }
  for (const std::size_t t : designs.results()) {
    std::vector<Row>& rows = listing.tables[t].rows;
    std::size_t to = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (kept[t][r]) {
        if (to != r) rows[to] = std::move(rows[r]);
        ++to;
      }
    }
    rows.resize(to);
  }
  return notes;
}

}  // namespace weft::scenarios
