#include "models/kernels/tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace weft::models {
namespace {

Tiling counted(Tiling t, double groups, double m, double n, double sms) {
  t.tiles = groups * std::ceil(m / t.rows) * std::ceil(n / t.columns);
  t.waves = std::ceil(t.tiles / sms);
  return t;
}

Tiling by_waves(double groups, double m, double n, double sms, bool contiguous, int widest) {
  Tiling best;
  double best_last = 0;
  const double rows = m <= 64 && !contiguous ? 64 : 128;
  for (int columns = 16; columns <= widest; columns += columns < 128 ? 8 : 16) {
    Tiling t;
    t.rows = rows;
    t.columns = columns;
    t = counted(t, groups, m, n, sms);
    const double last = t.tiles - (t.waves - 1) * sms;
    const bool better = best.tiles == 0 || t.waves < best.waves || (t.waves == best.waves && last >= best_last);
    if (!better) continue;
    best = t;
    best_last = last;
  }
  return best;
}

/// Traffic of one tile in bytes and the cycles of all of them, as DeepGEMM's heuristics for SM90 count them.
struct Estimate {
  double element;      ///< bytes of an input element; the output has two
  double sms;

  double cycles(const Tiling& t, double k) const {
    const double l2_per_cycle = std::floor(std::min(64.0 * sms, 8e6 / 1.3e3));
    const double l1_per_cycle = 128.0 * sms;
    const double out = t.rows * t.columns * 2;
    const double from_l2 = k * element * (t.rows / t.shared_columns + t.columns / t.shared_rows) + out;
    const double in_l1 = k * element * (t.rows + t.columns) + k * element * (std::max(64.0, t.rows) + t.columns) + 2 * out;
    // The library divides in single precision; where candidates come near each other, that decides.
    const auto efficiency = static_cast<float>(t.tiles / (t.waves * sms));
    const double busiest = std::max(std::floor(from_l2 * t.tiles / l2_per_cycle), std::floor(in_l1 * t.tiles / l1_per_cycle));
    return std::floor(static_cast<double>(static_cast<float>(busiest) / efficiency));
  }
};

/// Stages of the pipeline that fit into the shared memory of an SM.
double stages(double rows, double columns, double k) {
  const double out = std::ceil(rows * columns * 2 / 1024) * 1024;
  const double uniform = std::fmod(128, columns) == 0 ? 1 : 2;
  const double scales = std::ceil(std::ceil(k / 128) * 4 * uniform / 8) * 8;
  const double stage = rows * 128 + columns * 128 + std::ceil(rows * 4 / 128) * 128;
  return std::min(16.0, std::floor((232448 - out - 256 - scales) / stage));
}

bool fits(double rows, double columns, double k) {
  if (columns > 128 && std::fmod(columns, columns - 128) != 0 && std::fmod(128, columns - 128) != 0) return false;
  if (rows > 128 && columns > 128) return false;
  const double deep = stages(rows, columns, k);
  return deep >= 3 && (rows * columns >= 128 * 192 || deep >= 4);
}

constexpr double kClusters[3][2] = {{1, 1}, {1, 2}, {2, 1}};   // along m, along n

/// The candidate with the fewest cycles, the first among equals: first all without multicast, then all with the one kind, then the other.
Tiling least(const std::vector<Tiling>& candidates, double groups, double m, double n, double k, const Estimate& estimate) {
  Tiling best;
  double fewest = std::numeric_limits<double>::infinity();
  for (const auto& cluster : kClusters) {
    for (Tiling t : candidates) {
      t.shared_rows = cluster[0];
      t.shared_columns = cluster[1];
      t.multicast = cluster[0] * cluster[1] > 1;
      t = counted(t, groups, m, n, estimate.sms);
      if (t.multicast && (t.waves <= 1 || std::fmod(estimate.sms, 2) != 0)) continue;
      const double cycles = estimate.cycles(t, k);
      if (cycles >= fewest) continue;
      fewest = cycles;
      best = t;
    }
  }
  return best;
}

Tiling tile(double rows, double columns) {
  Tiling t;
  t.rows = rows;
  t.columns = columns;
  return t;
}

}  // namespace

Tiling fixed_tiling(double groups, double m, double n, double sms) { return counted({}, groups, m, n, sms); }

Tiling deepgemm_2025_02_tiling(double groups, double m, double n, double sms, bool contiguous) {
  return by_waves(groups, m, n, sms, contiguous, 128);
}

Tiling deepgemm_2025_04_tiling(double groups, double m, double n, double sms, bool contiguous) {
  return by_waves(groups, m, n, sms, contiguous, 160);
}

Tiling deepgemm_2026_tiling(double groups, double m, double n, double k, double sms, bool contiguous, bool masked) {
  std::vector<Tiling> candidates;
  for (const double rows : {64.0, 128.0, 16.0, 32.0, 256.0}) {
    if (rows < 64 && m > rows) continue;
    if (contiguous && rows != 128) continue;
    if (masked && rows != 64 && rows != 128) continue;
    for (double columns = 16; columns <= 192; columns += 16) {
      if (fits(rows, columns, k)) candidates.push_back(tile(rows, columns));
    }
  }
  return least(candidates, groups, m, n, k, {1, sms});
}

Tiling library_tiling(double groups, double m, double n, double k, double sms) {
  std::vector<Tiling> candidates;
  for (const double rows : {64.0, 128.0, 256.0}) {
    for (const double columns : {64.0, 128.0, 256.0}) {
      if (rows + columns <= 384) candidates.push_back(tile(rows, columns));
    }
  }
  return least(candidates, groups, m, n, k, {2, sms});
}

}  // namespace weft::models
