// Plain progressive filling: the textbook max-min algorithm, slow and simple, against which fast solvers are tested.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace weft::testing {

struct NaiveFlow {
  double weight = 1;
  std::vector<std::pair<std::size_t, double>> links;   ///< link, bytes on it per byte of the flow
  double cap = std::numeric_limits<double>::infinity();
};

/// Rates of the flows. All unfrozen flows rise together (rate = weight * level); at the level where the next link is
/// full, or the next flow reaches its cap, those concerned freeze (Bertsekas and Gallager, Data Networks, 6.5.2).
inline std::vector<double> naive_max_min(const std::vector<double>& capacity, const std::vector<NaiveFlow>& flows) {
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<double> rate(flows.size(), 0);
  std::vector<bool> frozen(flows.size(), false);
  for (;;) {
    std::vector<double> room = capacity, slope(capacity.size(), 0);
    double level = inf;
    std::size_t left = 0;
    for (std::size_t f = 0; f < flows.size(); ++f) {
      for (const auto& [l, share] : flows[f].links) {
        if (frozen[f]) room[l] -= share * rate[f];
        else slope[l] += share * flows[f].weight;
      }
      if (frozen[f]) continue;
      ++left;
      level = std::min(level, flows[f].cap / flows[f].weight);
    }
    if (left == 0) return rate;
    for (std::size_t l = 0; l < capacity.size(); ++l) {
      if (slope[l] > 0) level = std::min(level, std::max(0.0, room[l]) / slope[l]);
    }
    const double about = level * (1 + 1e-13);
    for (std::size_t f = 0; f < flows.size(); ++f) {
      if (frozen[f]) continue;
      bool stops = flows[f].cap / flows[f].weight <= about;
      for (const auto& [l, share] : flows[f].links) stops = stops || room[l] / slope[l] <= about;
      if (!stops) continue;
      frozen[f] = true;
      rate[f] = flows[f].weight * level;
    }
  }
}

}  // namespace weft::testing
