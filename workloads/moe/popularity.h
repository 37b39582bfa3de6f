// Popularity of experts made up from a seed: even, lognormal or Zipf's, and how it drifts.
#pragma once

#include <cstdint>

#include "workloads/moe/balance.h"

namespace weft::workloads::moe {

enum class PopularityKind { uniform, lognormal, zipf };

struct Popularity {
  PopularityKind kind = PopularityKind::lognormal;
  /// Lognormal: standard deviation of the logarithm. 0.6: of the one layer that somebody published loads of (sglang#5524, 16 experts:
  /// 0.59, Gini 0.33).
  double sigma = 0.6;
  /// Zipf: the expert of rank r has r^-exponent. 0.5: the Gini of such a law is s / (2 - s), which is the 0.33 of the same layer.
  double exponent = 0.5;
};

/// The factor of one expert: lognormal with median 1, drawn from (seed, layer, expert).
double lognormal_popularity(std::uint64_t seed, std::uint64_t layer, std::uint64_t expert, double sigma);

/// Loads by popularity. Which expert has which of Zipf's ranks is drawn for each layer. Sigma, exponent: finite, zero or more.
ExpertLoads loads_of(const Popularity& popularity, std::uint32_t layers, std::uint32_t experts, std::uint64_t seed);

/// Loads later on: each expert's times a lognormal factor with that sigma. One seed is one path: with a larger sigma all have gone further.
ExpertLoads drifted(ExpertLoads loads, double sigma, std::uint64_t seed);

}  // namespace weft::workloads::moe
