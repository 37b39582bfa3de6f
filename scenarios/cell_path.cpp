#include "scenarios/cell_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/cell_text.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

std::string trimmed(std::string s) {
  while (!s.empty() && s.front() == ' ') s.erase(s.begin());
  while (!s.empty() && s.back() == ' ') s.pop_back();
  return s;
}

bool row_matches(const Row& r, const CellPath& p) {
  const Cell* variant = r.find("variant");
  if (variant == nullptr || exact_text(*variant) != p.variant) return false;
  return std::all_of(p.labels.begin(), p.labels.end(), [&](const auto& label) {
    const Cell* c = r.find(label.first);
    return c != nullptr && exact_text(*c) == label.second;
  });
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
  p.workload = text.substr(first + 1, last - first - 1);
  const std::size_t open = p.workload.find('[');
  if (open == std::string::npos) return p;
  if (p.workload.back() != ']') throw UserError("", fmt::format("a ] is missing in \"{}\"", text));
  std::string list = p.workload.substr(open + 1, p.workload.size() - open - 2);
  p.workload.resize(open);
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string one = list.substr(0, comma);
    list = comma == std::string::npos ? "" : list.substr(comma + 1);
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos) throw UserError("", fmt::format("expected label=value, got \"{}\" in \"{}\"", one, text));
    p.labels.emplace_back(trimmed(one.substr(0, equals)), trimmed(one.substr(equals + 1)));
  }
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
