#include "scenarios/headline.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/cell_text.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

constexpr const char* kHint =
    "a cell in braces, as {MPFT/step/step_s:.3g}, {A/step/step_s:ratio B/step/step_s}, {A/x/time_us:longer|shorter B/x/time_us}; {{ is a brace";

[[noreturn]] void fail(const std::string& why) { throw UserError("/headline", why, kHint); }

/// Where the path at the beginning of a text ends: the first colon or brace behind its second slash outside of brackets.
std::size_t end_of_path(const std::string& text) {
  int slashes = 0;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') inside = true;
    if (text[i] == ']') inside = false;
    if (inside) continue;
    if (text[i] == '/') ++slashes;
    if (text[i] == ':' && slashes >= 2) return i;
  }
  return text.size();
}

CellPath read_path(const std::string& text) {
  try {
    CellPath path = parse_cell_path(text);
    if (path.column.empty() || path.workload.empty()) throw UserError("", fmt::format("expected variant/workload[label=value]/column, got \"{}\"", text));
    return path;
  } catch (const UserError& e) {
    fail(e.problems().front().message);
  }
}

/// The cell, an empty variant being the first one; null when there is none.
const Cell* cell_of(const reports::Report& report, CellPath path) {
  if (path.variant.empty() && !report.variants.empty()) path.variant = report.variants.front();
  try {
    return &cell_at(report, path);
  } catch (const UserError&) {
    return nullptr;
  }
}

/// NaN for what is no number.
double number_at(const reports::Report& report, const CellPath& path) {
  const Cell* cell = cell_of(report, path);
  return cell != nullptr && is_number(*cell) ? number_of(*cell) : std::nan("");
}

}  // namespace

void HeadlineTemplate::read_part(const std::string& part, Field& f) {
  if (part.size() >= 3 && part[0] == '.' && (part.back() == 'g' || part.back() == 'f')) {
    int digits = -1;
    const auto [end, error] = std::from_chars(part.data() + 1, part.data() + part.size() - 1, digits);
    const int least = part.back() == 'g' ? 1 : 0;
    if (error != std::errc() || end != part.data() + part.size() - 1 || digits < least || digits > 9) fail(fmt::format("\"{}\" is no format: expected .1g to .9g or .0f to .9f", part));
    f.style = part.back();
    f.digits = digits;
    return;
  }
  if (f.style != 0 || f.operation != Operation::none) fail(fmt::format("\"{}\" stands where nothing more can", part));
  const std::size_t blank = part.find(' ');
  const std::string word = part.substr(0, blank), rest = blank == std::string::npos ? "" : part.substr(blank + 1);
  const std::size_t bar = word.find('|');
  if (word == "times") {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), f.factor);
    if (error != std::errc() || end != rest.data() + rest.size() || !std::isfinite(f.factor)) fail(fmt::format("\"{}\": expected times and a number", part));
    f.operation = Operation::times;
    return;
  }
  if (word == "percent" && rest.empty()) {
    f.operation = Operation::times;
    f.factor = 100;
    return;
  }
  f.operation = word == "ratio"     ? Operation::ratio
                : word == "percent" ? Operation::percent
                : word == "change"  ? Operation::change
                : word == "minus"   ? Operation::minus
                                    : Operation::words;
  if (f.operation == Operation::words && (bar == std::string::npos || bar == 0 || bar + 1 == word.size())) {
    fail(fmt::format("unknown operation \"{}\": expected ratio, percent, change, minus, times, two words as in longer|shorter, or a format", part));
  }
  if (f.operation == Operation::words) {
    f.more = word.substr(0, bar);
    f.less = word.substr(bar + 1);
  }
  if (rest.empty()) fail(fmt::format("\"{}\" needs a cell behind it", part));
  f.other = read_path(rest);
}

HeadlineTemplate::Field HeadlineTemplate::parse_field(const std::string& text) {
  Field f;
  std::string rest = text;
  std::size_t end = end_of_path(rest);
  f.cell = read_path(rest.substr(0, end));
  while (end < rest.size()) {
    rest = rest.substr(end + 1);
    // What stands behind a word and a blank is a path, in which colons belong to the variant's name.
    const std::size_t blank = rest.find(' ');
    end = blank == std::string::npos || rest.find(':') < blank ? std::min(rest.find(':'), rest.size()) : end_of_path(rest);
    if (rest.starts_with("times ")) end = std::min(rest.find(':'), rest.size());
    read_part(rest.substr(0, end), f);
  }
  return f;
}

HeadlineTemplate HeadlineTemplate::parse(const std::string& text) {
  if (text.empty()) fail("expected a sentence, got an empty text");
  if (text.find('\n') != std::string::npos) fail("expected a sentence in one line");
  HeadlineTemplate out;
  Piece piece;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      piece.text += c;
      ++i;
    } else if (c == '}') {
      fail(fmt::format("a }} without its {{ in \"{}\"", text));
    } else if (c == '{') {
      const std::size_t close = text.find('}', i);
      if (close == std::string::npos) fail(fmt::format("a {{ without its }} in \"{}\"", text));
      piece.field = parse_field(text.substr(i + 1, close - i - 1));
      out.pieces_.push_back(std::move(piece));
      piece = {};
      i = close;
    } else {
      piece.text += c;
    }
  }
  out.pieces_.push_back(std::move(piece));
  return out;
}

/// Empty where there is nothing to say.
std::string HeadlineTemplate::value_of(const Field& f, const reports::Report& report) {
  const bool change = f.operation == Operation::change || f.operation == Operation::words;
  const auto text = [&](double value) {
    if (!std::isfinite(value)) return std::string();
    if (f.style == 'f') return fixed_text(value, f.digits);
    return significant_text(value, f.style == 0 && change ? 2 : f.digits);
  };
  if (f.operation == Operation::none) {
    const Cell* cell = cell_of(report, f.cell);
    if (cell == nullptr) return {};
    return is_number(*cell) && f.style != 0 ? text(number_of(*cell)) : readable_text(*cell);
  }
  const double value = number_at(report, f.cell);
  const double other = f.other ? number_at(report, *f.other) : 1;
  const double percents = 100 * (value / other - 1);
  switch (f.operation) {
    case Operation::ratio: return text(value / other);
    case Operation::percent: return text(100 * value / other);
    case Operation::minus: return text(value - other);
    case Operation::times: return text(value * f.factor);
    default: break;
  }
  const std::string size = text(std::abs(percents));
  if (size.empty()) return {};
  if (f.operation == Operation::words) return size + " % " + (percents < 0 ? f.less : f.more);
  return (percents < 0 ? "-" : "+") + size + " %";
}

std::optional<std::string> HeadlineTemplate::filled(const reports::Report& report) const {
  static constexpr std::string_view kBetween = "; ";
  std::string out, clause;
  bool whole = true, first = true;
  const auto end_clause = [&] {
    if (first && !whole) return false;
    if (whole) out += (first ? "" : std::string(kBetween)) + clause;
    first = false;
    whole = true;
    clause.clear();
    return true;
  };
  for (const Piece& piece : pieces_) {
    std::string_view text = piece.text;
    for (std::size_t at = text.find(kBetween); at != std::string_view::npos; at = text.find(kBetween)) {
      clause += text.substr(0, at);
      if (!end_clause()) return std::nullopt;
      text.remove_prefix(at + kBetween.size());
    }
    clause += text;
    if (!piece.field) continue;
    const std::string value = value_of(*piece.field, report);
    whole = whole && !value.empty();
    clause += value;
  }
  if (!end_clause()) return std::nullopt;
  return out;
}

std::vector<CellPath> HeadlineTemplate::cells() const {
  std::vector<CellPath> out;
  for (const Piece& piece : pieces_) {
    if (!piece.field) continue;
    out.push_back(piece.field->cell);
    if (piece.field->other) out.push_back(*piece.field->other);
  }
  return out;
}

std::optional<std::string> headline_of(const Scenario& scenario, const reports::Report& report) {
  if (scenario.headline.empty()) return std::nullopt;
  return HeadlineTemplate::parse(scenario.headline).filled(report);
}

}  // namespace weft::scenarios
