#include "scenarios/studies/designs.h"

#include <algorithm>

#include "scenarios/studies/axes.h"

namespace weft::scenarios {
namespace {

bool is_key(const std::string& column) { return column.starts_with("/") || column == "variant"; }

}  // namespace

Designs::Designs(const reports::Listing& listing) : listing_(listing), labels_(listing.tables.size()) {
  for (std::size_t t = 0; t < listing.tables.size(); ++t) {
    const reports::Table& table = listing.tables[t];
    if (table.id == "failed" && !has_column(table, "variant")) continue;
    results_.push_back(t);
    for (const ColumnDoc& d : table.label_columns) {
      if (!is_key(d.name) && d.name != "workload") labels_[t].push_back(d.name);
      else if (is_key(d.name) && std::find(key_columns_.begin(), key_columns_.end(), d.name) == key_columns_.end()) key_columns_.push_back(d.name);
    }
  }
  for (const std::size_t t : results_) {
    for (std::size_t r = 0; r < listing.tables[t].rows.size(); ++r) {
      const auto [at, fresh] = design_of_.try_emplace(key_of(listing.tables[t].rows[r]), designs_.size());
      if (fresh) designs_.emplace_back();
      designs_[at->second].push_back({t, r});
    }
  }
}

std::string Designs::key_of(const Row& row) const {
  std::string key;
  for (const std::string& column : key_columns_) {
    const Cell* cell = row.find(column);
    if (cell != nullptr) key += cell_text(*cell);
    key += '\n';
  }
  return key;
}

std::vector<Designs::Place> Designs::beside(Place at, std::size_t table) const {
  std::vector<Place> out;
  const Row& mine = row(at);
  const auto found = design_of_.find(key_of(mine));
  if (found == design_of_.end()) return out;
  for (const Place& other : designs_[found->second]) {
    if (other.table != table) continue;
    const Row& theirs = row(other);
    const bool agree = std::all_of(labels_[table].begin(), labels_[table].end(), [&](const std::string& label) {
      const Cell *a = mine.find(label), *b = theirs.find(label);
      return a == nullptr || b == nullptr || *a == *b;
    });
    if (agree) out.push_back(other);
  }
  return out;
}

std::pair<const reports::Table*, std::string> Designs::split(const std::string& name) const {
  for (const std::size_t t : results_) {
    const std::string& id = listing_.tables[t].id;
    if (name.size() > id.size() + 1 && name.starts_with(id) && name[id.size()] == '.') return {&listing_.tables[t], name.substr(id.size() + 1)};
  }
  return {nullptr, name};
}

std::size_t Designs::place_of(const reports::Table* table) const { return static_cast<std::size_t>(table - listing_.tables.data()); }

bool Designs::has_column(const reports::Table& table, const std::string& column) {
  const auto named = [&](const ColumnDoc& d) { return d.name == column; };
  return std::any_of(table.label_columns.begin(), table.label_columns.end(), named) || std::any_of(table.columns.begin(), table.columns.end(), named);
}

bool Designs::has_column(const std::string& name) const {
  const auto [table, column] = split(name);
  if (table != nullptr) return has_column(*table, column);
  return std::any_of(results_.begin(), results_.end(), [&, &wanted = column](std::size_t t) { return has_column(listing_.tables[t], wanted); });
}

std::vector<std::string> Designs::columns() const {
  std::vector<std::string> plain, dotted;
  for (const std::size_t t : results_) {
    for (const auto* docs : {&listing_.tables[t].label_columns, &listing_.tables[t].columns}) {
      for (const ColumnDoc& d : *docs) {
        if (std::find(plain.begin(), plain.end(), d.name) == plain.end()) plain.push_back(d.name);
        if (!is_key(d.name) && d.name != "workload") dotted.push_back(listing_.tables[t].id + "." + d.name);
      }
    }
  }
  plain.insert(plain.end(), dotted.begin(), dotted.end());
  return plain;
}

}  // namespace weft::scenarios
