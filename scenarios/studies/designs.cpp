#include "scenarios/studies/designs.h"

#include <algorithm>

#include "sim/core/cell_text.h"
#include "sim/core/error.h"

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
      const auto [at, fresh] = by_key_.try_emplace(key_of(listing.tables[t].rows[r]), designs_.size());
      if (fresh) designs_.emplace_back();
      designs_[at->second].push_back({t, r});
    }
  }
}

std::string Designs::key_of(const Row& row) const {
  std::string key;
  for (const std::string& column : key_columns_) {
    const Cell* cell = row.find(column);
    if (cell != nullptr) key += exact_text(*cell);
    key += '\n';
  }
  return key;
}

bool Designs::agree(Place a, Place b) const {
  return std::all_of(labels_[b.table].begin(), labels_[b.table].end(), [&](const std::string& label) {
    const Cell *mine = row(a).find(label), *theirs = row(b).find(label);
    return mine == nullptr || theirs == nullptr || *mine == *theirs;
  });
}

std::vector<Designs::Place> Designs::beside(Place at, std::size_t table) const {
  const auto found = by_key_.find(key_of(row(at)));
  if (found == by_key_.end()) return {};
  std::vector<Place> mine, theirs, agreeing;
  for (const Place& other : designs_[found->second]) {
    if (other.table == at.table) mine.push_back(other);
    if (other.table != table) continue;
    theirs.push_back(other);
    if (agree(at, other)) agreeing.push_back(other);
  }
  if (!agreeing.empty()) return agreeing;
  for (const Place& m : mine) {
    if (std::any_of(theirs.begin(), theirs.end(), [&](const Place& t) { return agree(m, t); })) return {};
  }
  return theirs;
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

void Designs::check(const std::string& name, const std::vector<std::string>& allowed, const std::function<void(const std::string&)>& unknown) const {
  if (has_column(name)) return;
  // Of table.column the column is what a table may have at another point.
  const bool passes = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& a) { return name == a || name.ends_with("." + a); });
  if (!passes) unknown(unknown_name_hint(name, columns()));
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
