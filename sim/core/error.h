// Failures of two kinds: the user's input (UserError, exit 3) and our own bugs (WEFT_CHECK, stops).
#pragma once

#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::core {

/// One thing that is wrong with an input: which file, where in it (a JSON pointer), what, and a way out.
struct Problem {
  std::string file;      ///< as the user named it; may be empty
  std::string place;     ///< JSON pointer such as /cluster/nodes, an option such as --jobs, or "line 3, column 7"
  std::string message;   ///< "expected a rate like \"400 Gbps\", got 400"
  std::string hint;      ///< what to do about it; may be empty
};

/// Formats "file: place: message (hint)".
std::string to_text(const Problem& p);

/// The user's input is wrong; carries every problem found. Ends in exit 3.
class UserError : public std::exception {
 public:
  explicit UserError(std::vector<Problem> problems);
  UserError(std::string place, std::string message, std::string hint = {});
  const std::vector<Problem>& problems() const { return problems_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::vector<Problem> problems_;
  std::string text_;
};

/// The run itself failed (a result under its bound, a disk that is full): exit 1.
class RunError : public std::exception {
 public:
  explicit RunError(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

/// Something that this machine cannot do (no GPU, no optional package): exit 77.
class NotPossibleHere : public std::exception {
 public:
  explicit NotPossibleHere(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

/// Collects problems, so that a file's errors are reported all at once.
class Problems {
 public:
  void add(Problem p) { list_.push_back(std::move(p)); }
  bool empty() const { return list_.empty(); }
  const std::vector<Problem>& list() const { return list_; }
  void throw_if_any() const;

 private:
  std::vector<Problem> list_;
};

/// The known name closest to `name` (edit distance), or empty when none is near.
std::string nearest_name(std::string_view name, std::span<const std::string> known);

/// A hint such as `did you mean "mpft"? known: ft2, mpft, mrft`.
std::string unknown_name_hint(std::string_view name, std::span<const std::string> known);

/// Ends the program with a message: a bug in weft, never the user's fault.
[[noreturn]] void bug(const char* file, int line, const char* condition, const std::string& detail);

}  // namespace weft::core

/// Stops when an invariant of weft's own is broken.
#define WEFT_CHECK(condition, detail) \
  do { if (!(condition)) ::weft::core::bug(__FILE__, __LINE__, #condition, (detail)); } while (false)

namespace weft { using namespace core; }
