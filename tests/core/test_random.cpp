// Random draws are functions of their names.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "sim/core/random.h"

using namespace weft;

TEST_CASE("the same name gives the same draws, whenever it is asked") {
  Draws a(7, "gate", 3, 11);
  Draws other(7, "gate", 4, 11);
  const auto first = a();
  other();
  Draws again(7, "gate", 3, 11);
  CHECK(again() == first);
  CHECK(Draws(8, "gate", 3, 11)() != first);
  CHECK(Draws(7, "gates", 3, 11)() != first);
  CHECK(Draws(7, "gate", 11, 3)() != first);
}

TEST_CASE("below(n) is uniform: chi-squared of 10 cells stays under its 0.1 percent point") {
  // 100,000 draws into 10 cells: sum (count - 10,000)^2 / 10,000 has 9 degrees of freedom; 27.9 is exceeded once in 1,000.
  std::array<int, 10> cells{};
  Draws d(1, "uniform");
  for (int i = 0; i < 100000; ++i) ++cells[d.below(10)];
  double chi2 = 0;
  for (int c : cells) chi2 += (c - 10000.0) * (c - 10000.0) / 10000.0;
  CHECK(chi2 < 27.9);
}

TEST_CASE("unit draws have mean 1/2 within four standard errors") {
  Draws d(1, "unit");
  double sum = 0;
  for (int i = 0; i < 100000; ++i) sum += d.unit();
  CHECK(std::abs(sum / 100000 - 0.5) < 4 * std::sqrt(1.0 / 12 / 100000));
}
