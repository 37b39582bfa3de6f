#include "reports/compare.h"

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "sim/core/error.h"

namespace weft::reports {

namespace {

/// Labels of a row as cells, in the table's order.
Row labels_of(const Table& table, const Row& row) {
  Row labels;
  for (const ColumnDoc& doc : table.label_columns) {
    if (const Cell* cell = row.find(doc.name)) labels.set(doc.name, *cell);
  }
  return labels;
}

std::string words(const Row& labels) {
  std::string text;
  for (const auto& [name, cell] : labels.cells())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, exact_text(cell));
  return text;
}

std::string variant_of(const Table& table, const Row& row) {
  const Cell* cell = row.find("variant");
  WEFT_CHECK(cell != nullptr, "a row of table " + table.id + " names no variant");
  return exact_text(*cell);
}

using Key = std::pair<std::string, std::string>;  // variant, labels

std::map<Key, const Row*> index_rows(const Table& table) {
  std::map<Key, const Row*> index;
  for (const Row& row : table.rows) {
    const Key key{variant_of(table, row), words(labels_of(table, row))};
    if (!index.emplace(key, &row).second) {
      throw RunError(
          fmt::format("table {}: variant {} has two rows with the same labels ({})", table.id, key.first, key.second));
    }
  }
  return index;
}

/// One cell of the base held against one of another variant.
Row compared(Row start, const std::string& column, const std::string& variant, const Cell& base, const Cell& value) {
  start.set("column", column).set("variant", variant).set("base", base).set("value", value);
  if (is_number(base) && is_number(value)) {
    start.set("delta", number_of(value) - number_of(base));
    if (number_of(base) != 0) start.set("ratio", number_of(value) / number_of(base));
  }
  return start;
}

void compare_rows(const Table& table, const Row& base, const Row& other, const std::string& variant, Comparison& out) {
  Row start;
  start.set("workload", table.id);
  const Row labels = labels_of(table, base);
  for (const auto& [name, cell] : labels.cells()) start.set(name, cell);
  const std::string place = labels.cells().empty() ? table.id : fmt::format("{} ({})", table.id, words(labels));
  for (const ColumnDoc& doc : table.columns) {
    const Cell* b = base.find(doc.name);
    const Cell* v = other.find(doc.name);
    if (b != nullptr && v != nullptr) {
      out.rows.push_back(compared(start, doc.name, variant, *b, *v));
    } else if (b != nullptr || v != nullptr) {
      out.notes.push_back(fmt::format("{}: {} is {} in {} and absent in {}", place, doc.name,
                                      readable_text(b != nullptr ? *b : *v), b != nullptr ? out.base : variant,
                                      b != nullptr ? variant : out.base));
    }
  }
}

void compare_table(const Table& table, Comparison& out) {
  const auto index = index_rows(table);
  for (const Row& row : table.rows) {
    const std::string variant = variant_of(table, row);
    const std::string labels = words(labels_of(table, row));
    const std::string place = labels.empty() ? table.id : fmt::format("{} ({})", table.id, labels);
    if (variant != out.base) {
      if (!index.contains({out.base, labels}))
        out.notes.push_back(fmt::format("{}: only {} has this row", place, variant));
      continue;
    }
    for (const std::string& other : out.others) {
      const auto at = index.find({other, labels});
      if (at == index.end()) {
        out.notes.push_back(fmt::format("{}: {} has no such row", place, other));
      } else {
        compare_rows(table, row, *at->second, other, out);
      }
    }
  }
}

void differ(const Json* base, const Json* other, const std::string& pointer, const std::string& variant,
            std::vector<InputDifference>& out) {
  if (base != nullptr && other != nullptr && *base == *other) return;
  const bool same_kind = base != nullptr && other != nullptr &&
                         ((base->is_object() && other->is_object()) || (base->is_array() && other->is_array()));
  if (!same_kind) {
    const auto text = [](const Json* v) { return v == nullptr ? std::string("absent") : dump_json(*v); };
    out.push_back({variant, pointer.empty() ? "/" : pointer, text(base), text(other)});
    return;
  }
  if (base->is_array()) {
    for (std::size_t i = 0; i < std::max(base->size(), other->size()); ++i) {
      differ(i < base->size() ? &(*base)[i] : nullptr, i < other->size() ? &(*other)[i] : nullptr,
             fmt::format("{}/{}", pointer, i), variant, out);
    }
    return;
  }
  const auto below = [&](const std::string& key) { return (Json::json_pointer(pointer) / key).to_string(); };
  for (const auto& [key, value] : base->items()) {
    const auto at = other->find(key);
    differ(&value, at == other->end() ? nullptr : &*at, below(key), variant, out);
  }
  for (const auto& [key, value] : other->items()) {
    if (!base->contains(key)) differ(nullptr, &value, below(key), variant, out);
  }
}

}  // namespace

Comparison compare_variants(const Report& report) {
  if (report.variants.size() < 2) {
    throw UserError("/variants", "a comparison needs at least two variants",
                    "add \"variants\" to the scenario, or name several scenarios");
  }
  Comparison out;
  out.base = report.variants.front();
  out.others.assign(report.variants.begin() + 1, report.variants.end());
  for (const Table& table : report.tables) compare_table(table, out);
  return out;
}

std::vector<InputDifference> input_differences(const Json& base, const Json& other, const std::string& variant) {
  std::vector<InputDifference> out;
  differ(&base, &other, "", variant, out);
  return out;
}

}  // namespace weft::reports
