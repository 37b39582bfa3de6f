#include "workloads/traces/goal_words.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_word(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; }

}  // namespace

bool GoalWords::skip_comment() {
  if (text_.substr(at_, 2) == "//") {
    at_ = std::min(text_.find('\n', at_), text_.size());
    return true;
  }
  if (text_.substr(at_, 2) != "/*") return false;
  const std::size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) fail_at(next_line_, "a comment is opened and never closed", "add */");
  next_line_ += static_cast<std::size_t>(
      std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_), text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
  at_ = end + 2;
  return true;
}

void GoalWords::step() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\r')
      ++at_;
    else if (c != '/' || !skip_comment())
      break;
  }
  line_ = next_line_;
  const std::size_t begin = at_;
  if (at_ < text_.size()) {
    if (text_[at_] == '\n') ++next_line_;
    const bool word = in_word(text_[at_]);
    ++at_;
    while (word && at_ < text_.size() && in_word(text_[at_])) ++at_;
  }
  word_ = text_.substr(begin, at_ - begin);
}

bool GoalWords::take(std::string_view word) {
  if (word_ != word) return false;
  step();
  return true;
}

std::string GoalWords::shown() const {
  if (done()) return "the end of the file";
  if (word_ == "\n") return "the end of the line";
  if (static_cast<unsigned char>(word_[0]) < 0x20)
    return fmt::format("a control character (0x{:02x})", static_cast<unsigned char>(word_[0]));
  return fmt::format("\"{}\"", word_.substr(0, 60));
}

std::string GoalWords::label() {
  const bool good =
      !done() && is_letter(word_[0]) && std::all_of(word_.begin(), word_.end(), [](char c) { return is_letter(c) || is_digit(c); });
  if (!good) fail("expected a label, calc, send or recv, got " + shown(), "a label begins with a letter: l1");
  std::string text(word_);
  step();
  return text;
}

std::uint64_t GoalWords::number(std::string_view digits, const std::string& expected, std::uint64_t most) const {
  std::uint64_t v = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (error != std::errc() || digits.empty() || end != digits.data() + digits.size() || v > most)
    fail(fmt::format("expected {}, got {}", expected, shown()), "");
  return v;
}

std::uint64_t GoalWords::integer(const std::string& what, std::uint64_t most) {
  const std::uint64_t v = number(word_, fmt::format("{}, a whole number up to {}", what, most), most);
  step();
  return v;
}

std::uint64_t GoalWords::bytes(std::uint64_t most) {
  const std::string expected = fmt::format("a size like 1024b, up to {}b", most);
  if (word_.ends_with('b')) {
    const std::uint64_t v = number(word_.substr(0, word_.size() - 1), expected, most);
    step();
    return v;
  }
  const std::uint64_t v = number(word_, expected, most);
  step();
  if (!take("b")) fail("expected b behind the number of bytes, got " + shown(), "send 1024b to 1");
  return v;
}

void GoalWords::fail_at(std::size_t line, const std::string& message, const std::string& hint) const {
  throw UserError({{fmt::format("{}:{}", path_, line), "", message, hint}});
}

}  // namespace weft::workloads
