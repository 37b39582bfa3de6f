#include "reports/cells.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::reports {

namespace {

bool known(const std::vector<ColumnDoc>& docs, std::string_view name) {
  return std::any_of(docs.begin(), docs.end(), [&](const ColumnDoc& d) { return d.name == name; });
}

void check_docs(const Table& table, const std::vector<ColumnDoc>& docs) {
  for (const ColumnDoc& d : docs) {
    if (d.text.empty()) throw RunError(fmt::format("table {}: column {} has no explanation", table.id, d.name));
  }
}

}  // namespace

std::string describe_row(const Row& row, std::size_t index) {
  constexpr std::size_t shown = 4;
  std::string cells;
  for (std::size_t i = 0; i < std::min(shown, row.cells().size()); ++i) {
    const auto& [name, cell] = row.cells()[i];
    cells += fmt::format("{}{} {}", i == 0 ? "" : ", ", name, exact_text(cell));
  }
  return fmt::format("row {} ({})", index + 1, cells.empty() ? "no cells" : cells);
}

void check_table(const Table& table, std::span<const std::string_view> extra) {
  check_docs(table, table.label_columns);
  check_docs(table, table.columns);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Row& row = table.rows[i];
    for (const auto& [name, cell] : row.cells()) {
      const auto fail = [&, &column = name](std::string_view why) {
        throw RunError(fmt::format("table {}: {}: column {} {}", table.id, describe_row(row, i), column, why));
      };
      if (std::find(extra.begin(), extra.end(), name) == extra.end() && !known(table.label_columns, name) &&
          !known(table.columns, name)) {
        fail("has no explanation");
      }
      const auto* text = std::get_if<std::string>(&cell);
      if (text != nullptr && text->empty()) fail("is empty");
    }
  }
}

std::string kinds_text(const std::vector<Expectation>& expectations) {
  std::string text;
  for (const auto& [kind, one, many] : {std::array{"predicted", "predicted", "predicted"}, std::array{"calibrated", "calibrated", "calibrated"}, std::array{"identity", "identity", "identities"}}) {
    const auto n = std::ranges::count_if(expectations, [&](const Expectation& e) { return e.not_reproducible.empty() && e.kind == kind; });
    if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, n == 1 ? one : many);
  }
  return text;
}

}  // namespace weft::reports
