#include "scenarios/case_name.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "sim/core/cell_text.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

std::string trimmed(std::string_view s) {
  const std::size_t first = std::min(s.find_first_not_of(' '), s.size());
  s.remove_prefix(first);
  return std::string(s.substr(0, s.find_last_not_of(' ') + 1));
}

/// What stands between commas, without blanks around.
std::vector<std::string> pieces_of(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    out.push_back(trimmed(list.substr(0, comma)));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

/// Where the labels of a name begin: the bracket at whose end the text ends; npos without one.
std::size_t bracket_of(const std::string& text) { return text.ends_with(']') ? text.rfind('[') : std::string::npos; }

/// What stands between the brackets.
std::string_view inside(const std::string& text, std::size_t open) {
  if (open == std::string::npos) return {};
  return std::string_view(text).substr(open + 1, text.size() - open - 2);
}

bool has_all(const std::string& full, const std::vector<std::pair<std::string, std::string>>& labels) {
  const std::vector<std::string> has = pieces_of(inside(full, bracket_of(full)));
  return std::ranges::all_of(labels, [&](const auto& l) { return std::ranges::find(has, l.first + "=" + l.second) != has.end(); });
}

}  // namespace

std::string labels_text(const std::vector<std::pair<std::string, Cell>>& labels) {
  std::string out;
  for (const auto& [name, cell] : labels) out += fmt::format("{}{}={}", out.empty() ? "" : ",", name, exact_text(cell));
  return out.empty() ? "" : "[" + out + "]";
}

bool CaseName::may_mean(const std::string& full) const {
  const std::string both = full.substr(0, bracket_of(full));
  return (name.empty() || name == both || both.starts_with(name + "/") || both.ends_with("/" + name)) && has_all(full, labels);
}

bool CaseName::is_piece_of(const std::string& full) const {
  return full.substr(0, bracket_of(full)).find(name) != std::string::npos && has_all(full, labels);
}

bool CaseName::may_mean(const Row& row) const {
  return std::ranges::all_of(labels, [&](const auto& l) {
    const Cell* c = row.find(l.first);
    return c != nullptr && exact_text(*c) == l.second;
  });
}

CaseName read_case_name(const std::string& text, const std::string& whole, const std::string& option) {
  CaseName out;
  const std::size_t open = bracket_of(text), last = text.rfind('[');
  if (last != std::string::npos && text.find(']', last) == std::string::npos) throw UserError(option, fmt::format("a ] is missing in \"{}\"", whole));
  out.name = text.substr(0, open);
  for (const std::string& one : pieces_of(inside(text, open))) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos) throw UserError(option, fmt::format("expected label=value, got \"{}\" in \"{}\"", one, whole));
    out.labels.emplace_back(trimmed(one.substr(0, equals)), trimmed(one.substr(equals + 1)));
  }
  return out;
}

std::vector<std::size_t> places_meant(const std::string& of, const std::vector<std::string>& names, const std::string& option) {
  if (const auto exact = std::ranges::find(names, of); exact != names.end()) return {static_cast<std::size_t>(exact - names.begin())};
  const CaseName wanted = read_case_name(of, of, option);
  std::vector<std::size_t> out;
  const auto take_where = [&](const auto& fits) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (fits(names[i])) out.push_back(i);
    }
  };
  take_where([&](const std::string& name) { return wanted.may_mean(name); });
  if (out.empty()) take_where([&](const std::string& name) { return wanted.is_piece_of(name); });
  return out;
}

}  // namespace weft::scenarios
