// Steps: the values to which an input of a sensitivity study moves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/json.h"

namespace weft::scenarios {

enum class Side { low, high };

/// How far an input moves.
struct StepSize {
  double by = 0.1;        ///< a part of its value, above 0 and below 1
  bool doubled = false;   ///< in place of that: half and twice

  double factor(Side side) const;
  std::string text() const;   ///< "10 %" or "half and twice"
};

/// Reads "20%" or "20 %". Throws UserError (place --by).
double parse_part(const std::string& text);

/// A value in base units: a number, or a text with a unit. Nothing for all else.
std::optional<double> magnitude(const Json& value);

/// "400 Gbps", "1.19", "64".
std::string value_text(const Json& value);

/// Where a value may move, what is wanted first; what follows is for values that must be whole, or be structure (experts over GPUs, micro-batches):
/// the nearest of whole numbers, multiples of powers of two that divide the value, half or twice, and one off. Numbers of SMs (`key` ends in
/// "sms") move by 4. Never the value itself, never zero or less.
std::vector<Json> neighbours(const Json& value, const std::string& key, Side side, const StepSize& step);

}  // namespace weft::scenarios
