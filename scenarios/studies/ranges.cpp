#include "scenarios/studies/ranges.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"
#include "sim/core/units.h"

namespace weft::scenarios {
namespace {

/// A number as it was written.
struct Written {
  double value = 0;
  std::optional<std::int64_t> whole;
};

/// Takes a number off the front of the text; nothing when there is none.
std::optional<Written> take_number(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  Written out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.value);
  if (error != std::errc() || !std::isfinite(out.value)) return std::nullopt;
  std::int64_t whole = 0;
  const auto [whole_end, whole_error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (whole_error == std::errc() && whole_end == end && std::abs(out.value) <= 0x1p53) out.whole = whole;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return out;
}

bool take_colon(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (!text.starts_with(':')) return false;
  text.remove_prefix(1);
  return true;
}

class Range {
 public:
  Range(const std::string& text, std::size_t most, const std::string& option) : text_(text), most_(most), option_(option) {}

  std::optional<std::vector<Json>> values() {
    std::string_view rest = text_;
    const auto lo = take_number(rest);
    if (!lo || !take_colon(rest)) return std::nullopt;
    const auto hi = take_number(rest);
    if (!hi || !take_colon(rest)) return std::nullopt;
    lo_ = *lo, hi_ = *hi;
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    const bool logarithmic = rest.starts_with("log");
    if (logarithmic) rest.remove_prefix(3);
    const auto step = take_number(rest);
    if (!step) fail("expected a step or logN behind the second colon");
    read_unit(rest);
    if (logarithmic) geometric(*step);
    else linear(*step);
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& why, const std::string& hint = "1:8:1, 100:800:100 Gbps or 1:1024:log11; a word goes in quotes") const {
    throw UserError(option_, fmt::format("the range {}: {}", text_, why), hint);
  }

  void read_unit(std::string_view rest) {
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    unit_ = rest;
    if (unit_.empty()) return;
    const ParsedUnit parsed = parse_unit("1 " + unit_);
    if (parsed.what == ParsedUnit::What::unknown) fail(parsed.problem);
  }

  void add(double v) {
    v += 0.0;   // -0 is 0
    if (unit_.empty()) out_.push_back(v);
    else out_.push_back(fmt::format("{} {}", v, unit_));
  }
  void add(std::int64_t v) {
    if (unit_.empty()) out_.push_back(v);
    else out_.push_back(fmt::format("{} {}", v, unit_));
  }

  void linear(const Written& step) {
    if (step.value == 0) fail("the step is 0");
    const double exact = (hi_.value - lo_.value) / step.value;
    if (!(exact >= 0)) fail(fmt::format("no step of {} leads from {} to {}", step.value, lo_.value, hi_.value), "a step that goes down is negative: 8:1:-1");
    const double steps = std::floor(exact + 1e-9);   // 0.3 / 0.1 is a little less than 3
    if (steps >= static_cast<double>(most_)) fail(fmt::format("has more than {} values", most_));
    const auto count = static_cast<std::int64_t>(steps) + 1;
    const bool whole = lo_.whole && hi_.whole && step.whole;
    for (std::int64_t i = 0; i < count; ++i) {
      if (whole) add(*lo_.whole + i * *step.whole);
      else add(rounded(lo_.value + static_cast<double>(i) * step.value, 15));   // 0.3, not 0.30000000000000004
    }
  }

  void geometric(const Written& n) {
    if (!n.whole || *n.whole < 2 || *n.whole > static_cast<std::int64_t>(most_)) fail(fmt::format("expected log and a number of values from 2 to {}", most_));
    if (!(lo_.value > 0) || !(hi_.value > 0)) fail("both ends must be above 0: values grow by a factor");
    if (lo_.value == hi_.value) fail("both ends are the same");
    const bool whole = lo_.whole && hi_.whole && unit_.empty();
    for (std::int64_t i = 0; i < *n.whole; ++i) {
      const double part = static_cast<double>(i) / static_cast<double>(*n.whole - 1);
      const double v = i == 0 ? lo_.value : i + 1 == *n.whole ? hi_.value : lo_.value * std::pow(hi_.value / lo_.value, part);
      if (whole) add(static_cast<std::int64_t>(std::llround(v)));
      else add(i == 0 || i + 1 == *n.whole ? v : rounded(v, 6));
      if (out_.size() > 1 && out_.back() == out_[out_.size() - 2]) {
        fail("two of the values round to the same", "ask for fewer, or write the ends as 1.0 and 4.0 for values that are not whole");
      }
    }
  }

  static double rounded(double v, int digits) {
    const std::string text = fmt::format("{:.{}g}", v, digits);
    std::from_chars(text.data(), text.data() + text.size(), v);
    return v;
  }

  const std::string& text_;
  std::size_t most_;
  const std::string& option_;
  Written lo_, hi_;
  std::string unit_;
  std::vector<Json> out_;
};

}  // namespace

std::optional<std::vector<Json>> range_of(const std::string& text, std::size_t most, const std::string& option) { return Range(text, most, option).values(); }

}  // namespace weft::scenarios
