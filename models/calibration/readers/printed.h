// What the readers of printed output share: "name=value" lists, facts that the user adds in a comment, and the better of two rounded figures.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/readers/lines.h"

namespace weft::models {

/// "m= 4096, n= 2112, 1D2D, layout=NT": values by name, and the words without one.
struct Pairs {
  std::map<std::string, std::string, std::less<>> values;
  std::vector<std::string> words;

  std::optional<double> number(std::string_view name) const;
  bool has_word(std::string_view word) const;
};
Pairs pairs_in(std::string_view text);

/// The text behind `begin` up to `end` (both left out); nothing when one of them is missing.
std::optional<std::string_view> between(std::string_view text, std::string_view begin, std::string_view end);
/// The number before `unit`: 57 in "Best: 57 us, 3 GB/s" for " us". The first such place counts.
std::optional<double> number_before(std::string_view text, std::string_view unit);

/// What the output itself does not say, in a line of its own: "# weft: device=NVIDIA H800, nodes=2, experts=256". Holds until the next such line.
class StatedFacts {
 public:
  explicit StatedFacts(std::vector<std::string> names) : names_(std::move(names)) {}
  /// True when this is such a line; unknown names are problems.
  bool take(std::string_view line, std::size_t number, LineProblems& problems);
  std::string word(const std::string& name) const;
  std::optional<double> number(const std::string& name) const { return facts_.number(name); }

 private:
  std::vector<std::string> names_;
  Pairs facts_;
};

/// A time that was printed twice: rounded, and as a rate of known operations. The one that lost less to rounding, in us.
/// `time_step_us` and `rate_step` are what the last digit stands for. Nothing when the two do not agree within 3 % and their rounding.
std::optional<double> better_time_us(double time_us, double time_step_us, double operations, double tflops, double rate_step);

/// What the last digit of a printed number stands for: 1 for "57", 0.1 for "57.3".
double step_of(std::string_view printed);
/// The digits and dots that stand right before `unit`.
std::string_view digits_before(std::string_view text, std::string_view unit);

/// Counts what was left out, and tells it in notes.
class LeftOutRows {
 public:
  void add(const std::string& why) { ++count_[why]; }
  bool empty() const { return count_.empty(); }
  std::string text() const;
  void tell(std::vector<std::string>& notes) const;

 private:
  std::map<std::string, std::size_t> count_;
};

}  // namespace weft::models
