// Lengths: the distribution that the tokens of a prompt or an answer are drawn from.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/core/json.h"
#include "sim/core/random.h"

namespace weft::workloads::inference {

/// No prompt and no answer may be longer than this.
constexpr std::uint32_t longest_length = (std::uint32_t{1} << 24) - 1;

struct Lengths {
  enum class Kind { constant, lognormal, exponential, uniform, table };
  Kind kind = Kind::lognormal;
  double mean = 1;                       ///< of constant, lognormal, exponential
  double cv = 1;                         ///< lognormal: standard deviation over mean
  double low = 1, high = 1;              ///< uniform: whole numbers from one to the other
  std::vector<double> values, up_to;     ///< table: values and the summed parts of their weights
  std::uint32_t max = longest_length;    ///< longer ones are this long
  double scale = 1;                      ///< what was drawn is multiplied by this

  /// A real number, before it is rounded and clipped.
  double draw(Draws& draws) const;
  /// A length: whole, 1 to max.
  std::uint32_t tokens(Draws& draws) const;
  /// Of lengths, but for their rounding.
  double expected() const;
};

/// {"distribution": ..., ...} or a whole number, which is constant. `mean`: where none is given. Adds what it came to to `resolved`.
Lengths read_lengths(std::optional<JsonReader> where, double mean, Json& resolved);

}  // namespace weft::workloads::inference
