#include "scenarios/cell_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "scenarios/case_name.h"
#include "sim/core/cell_text.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

bool row_matches(const Row& r, const CellPath& p) {
  const Cell* variant = r.find("variant");
  return variant != nullptr && exact_text(*variant) == p.variant && CaseName{p.workload, p.labels}.may_mean(r);
}

}  // namespace

CellPath parse_cell_path(const std::string& text) {
  const std::size_t first = text.find('/'), last = text.rfind('/');
  if (first == std::string::npos || first == last) {
    throw UserError("", fmt::format("expected variant/workload[label=value]/column, got \"{}\"", text));
  }
  CellPath p;
  p.text = text;
  p.variant = text.substr(0, first);
  p.column = text.substr(last + 1);
  CaseName middle = read_case_name(text.substr(first + 1, last - first - 1), text, "");
  p.workload = std::move(middle.name);
  p.labels = std::move(middle.labels);
  return p;
}

const Cell& cell_at(const reports::Report& report, const CellPath& p) {
  const reports::Table* table = nullptr;
  std::vector<std::string> ids;
  for (const auto& t : report.tables) {
    ids.push_back(t.id);
    if (t.id == p.workload) table = &t;
  }
  if (std::find(report.variants.begin(), report.variants.end(), p.variant) == report.variants.end()) {
    throw UserError("", fmt::format("\"{}\": there is no variant \"{}\"", p.text, p.variant), unknown_name_hint(p.variant, report.variants));
  }
  if (table == nullptr) {
    throw UserError("", fmt::format("\"{}\": there is no workload \"{}\"", p.text, p.workload), unknown_name_hint(p.workload, ids));
  }
  const Row* found = nullptr;
  for (const Row& r : table->rows) {
    if (!row_matches(r, p)) continue;
    if (found != nullptr) throw UserError("", fmt::format("\"{}\" means more than one row", p.text), "name more labels, as in [gpus=64,size_B=1024]");
    found = &r;
  }
  if (found == nullptr) throw UserError("", fmt::format("\"{}\" means no row", p.text), "labels are compared as they are printed in CSV");
  const Cell* c = found->find(p.column);
  std::vector<std::string> columns;
  for (const auto& [name, cell] : found->cells()) columns.push_back(name);
  if (c == nullptr) throw UserError("", fmt::format("\"{}\": there is no column \"{}\"", p.text, p.column), unknown_name_hint(p.column, columns));
  return *c;
}

}  // namespace weft::scenarios
