// The words of a GOAL file: names, numbers and signs; ends of lines count, comments (// and /* */) do not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::workloads {

/// Stands on one word. Everything that fails throws UserError at FILE:LINE.
class GoalWords {
 public:
  GoalWords(std::string_view text, std::string path) : text_(text), path_(std::move(path)) { step(); }

  bool done() const { return word_.empty(); }
  bool at(std::string_view word) const { return word_ == word; }
  bool at_end_of_line() const { return done() || word_ == "\n" || word_ == "}"; }
  bool take(std::string_view word);
  void skip_ends() {
    while (take("\n")) {
    }
  }
  std::string label();
  std::uint64_t integer(const std::string& what, std::uint64_t most);
  /// 1024b
  std::uint64_t bytes(std::uint64_t most);
  std::size_t line() const { return line_; }
  /// The word, for messages.
  std::string shown() const;
  [[noreturn]] void fail(const std::string& message, const std::string& hint) const { fail_at(line_, message, hint); }
  [[noreturn]] void fail_at(std::size_t line, const std::string& message, const std::string& hint) const;

 private:
  void step();
  bool skip_comment();
  std::uint64_t number(std::string_view digits, const std::string& expected, std::uint64_t most) const;

  std::string_view text_, word_;
  std::string path_;
  std::size_t at_ = 0, line_ = 1, next_line_ = 1;
};

}  // namespace weft::workloads
