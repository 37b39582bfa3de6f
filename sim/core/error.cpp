#include "sim/core/error.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::core {
namespace {

std::string join_problems(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& p : problems) {
    if (!text.empty()) text += '\n';
    text += to_text(p);
  }
  return text;
}

/// Levenshtein distance, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (low(a[i - 1]) == low(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string to_text(const Problem& p) {
  std::string text;
  if (!p.file.empty()) text += p.file + ": ";
  if (!p.place.empty()) text += p.place + ": ";
  text += p.message;
  if (!p.hint.empty()) text += " (" + p.hint + ")";
  return text;
}

UserError::UserError(std::vector<Problem> problems) : problems_(std::move(problems)), text_(join_problems(problems_)) {}

UserError::UserError(std::string place, std::string message, std::string hint)
    : UserError(std::vector<Problem>{{"", std::move(place), std::move(message), std::move(hint)}}) {}

void Problems::throw_if_any() const {
  if (!list_.empty()) throw UserError(list_);
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  // A name much longer than any known one is nobody's typing mistake, and comparing it would only cost time.
  if (name.empty() || name.size() > 100) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (const std::string& k : known) {
    const std::size_t d = edit_distance(name, k);
    if (d < best_distance) {
      best_distance = d;
      best = k;
    }
  }
  return best;
}

std::string unknown_name_hint(std::string_view name, std::span<const std::string> known) {
  const std::string near = nearest_name(name, known);
  std::string text = near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near);
  if (known.empty()) return text + "none is known here";
  const std::size_t shown = std::min<std::size_t>(known.size(), 30);
  text += fmt::format("known: {}", fmt::join(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < known.size()) text += fmt::format(" and {} more", known.size() - shown);
  return text;
}

void bug(const char* file, int line, const char* condition, const std::string& detail) {
  std::fprintf(stderr, "weft: this is a bug in weft, please report it: %s:%d: %s does not hold: %s\n", file, line, condition,
               detail.c_str());
  std::abort();
}

}  // namespace weft::core
