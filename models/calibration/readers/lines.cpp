#include "models/calibration/readers/lines.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace weft::models {

std::string line_place(const std::string& path, std::size_t line) { return fmt::format("{}:{}", path, line); }

void LineProblems::add(std::size_t line, std::string message, std::string hint, const std::string& what) {
  problems_.add({line_place(path_, line), what, std::move(message), std::move(hint)});
  if (problems_.list().size() == 10) problems_.throw_if_any();
}

bool Lines::next(std::string_view& line) {
  if (text_.empty()) return false;
  const std::size_t end = text_.find('\n');
  line = text_.substr(0, end);
  text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++number_;
  return true;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::optional<double> number_in(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return HUGE_VAL;
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  for (const std::string_view b : beginnings) {
    if (text.starts_with(b)) return true;
  }
  return false;
}

std::string time_problem(double time_us) {
  if (std::isnan(time_us)) return "the time is not a number (NaN)";
  if (std::isinf(time_us)) return "the time is not finite";
  if (time_us < 0) return fmt::format("the time is negative: {} us", time_us);
  if (time_us == 0) return "the time is zero";
  return {};
}

std::string_view CsvRecords::quoted() {
  const std::size_t begin = ++at_;
  std::string text;
  bool doubled = false;
  for (;;) {
    const std::size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) throw UserError({{line_place(path_, line_), "", "a quote that never ends", "the file seems to be cut off"}});
    text.append(text_.substr(at_, end - at_));
    at_ = end + 1;
    if (at_ < text_.size() && text_[at_] == '"') {
      text += '"';
      ++at_;
      doubled = true;
      continue;
    }
    for (const char c : text) next_line_ += c == '\n';
    if (!doubled) return text_.substr(begin, end - begin);
    unquoted_.push_back(std::move(text));
    return unquoted_.back();
  }
}

bool CsvRecords::next(std::vector<std::string_view>& cells) {
  cells.clear();
  unquoted_.clear();
  // Empty lines and comments.
  for (;;) {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    if (at_ >= text_.size()) return false;
    const std::string_view line = trimmed(text_.substr(at_, end - at_));
    if (!line.empty() && line.front() != '#') break;
    at_ = end + 1;
    ++next_line_;
  }
  line_ = next_line_;
  for (;;) {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      cells.push_back(quoted());
      const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
      if (!trimmed(text_.substr(at_, end - at_)).empty()) {
        throw UserError({{line_place(path_, line_), "", "text behind a closing quote", "double a quote that belongs to the text"}});
      }
      at_ = end;
    } else {
      const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
      cells.push_back(trimmed(text_.substr(at_, end - at_)));
      at_ = end;
    }
    if (at_ >= text_.size()) return true;
    if (text_[at_++] == '\n') {
      ++next_line_;
      return true;
    }
  }
}

}  // namespace weft::models
