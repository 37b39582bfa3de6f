#include "topology/ugal.h"

#include <algorithm>

#include "sim/core/error.h"

namespace weft::topology {

double solve_ugal_share(std::span<const double> minimal, std::span<const double> valiant) {
  WEFT_CHECK(minimal.size() == valiant.size(), "loads of two different fabrics");
  // The largest of straight lines in x is convex, with its minimum where a falling line meets a rising one. Cutting
  // planes: keep the highest falling and the highest rising line at the meeting point of the last two.
  const auto at = [&](double x) {
    std::size_t best = 0;
    double most = -1;
    for (std::size_t l = 0; l < minimal.size(); ++l) {
      const double load = x * minimal[l] + (1 - x) * valiant[l];
      if (load > most) most = load, best = l;
    }
    return best;
  };
  const auto slope = [&](std::size_t l) { return minimal[l] - valiant[l]; };
  if (minimal.empty()) return 1;
  std::size_t left = at(0), right = at(1);
  if (slope(right) <= 0) return 1;
  if (slope(left) > 0) return 0;
  for (int round = 0; round < 1000; ++round) {
    const double x = std::clamp((valiant[left] - valiant[right]) / (slope(right) - slope(left)), 0.0, 1.0);
    const std::size_t top = at(x);
    const double here = x * minimal[right] + (1 - x) * valiant[right];
    const double most = x * minimal[top] + (1 - x) * valiant[top];
    if (most <= here * (1 + 1e-12)) return x;
    (slope(top) > 0 ? right : left) = top;
  }
  WEFT_CHECK(false, "the cutting planes of UGAL do not close in");
  return 1;
}

double solve_ugal_share(const Fabric& fabric, std::span<const Demand> demands) {
  RoutingSpec spec;
  const std::vector<double> minimal = link_loads(Router(fabric, spec), demands);
  spec.paths = PathChoice::valiant;
  return solve_ugal_share(minimal, link_loads(Router(fabric, spec), demands));
}

}  // namespace weft::topology
