// A standard normal draw from the named uniform ones of sim/core/random.h.
#pragma once

#include <cmath>
#include <numbers>

#include "sim/core/random.h"

namespace weft::models {

/// Mean 0, standard deviation 1; takes two uniform draws (Box and Muller, Ann. Math. Stat. 29 (1958) 610).
inline double normal(Draws& draws) {
  const double radius = std::sqrt(-2 * std::log(1 - draws.unit()));   // unit() may be 0, never 1
  return radius * std::cos(2 * std::numbers::pi * draws.unit());
}

}  // namespace weft::models
