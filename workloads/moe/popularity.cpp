#include "workloads/moe/popularity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/normal.h"
#include "sim/core/error.h"

namespace weft::workloads::moe {
namespace {

double lognormal(std::uint64_t seed, const char* stream, std::uint64_t layer, std::uint64_t expert, double sigma) {
  Draws draws(seed, stream, layer, expert);
  return std::exp(sigma * models::normal(draws));
}

/// Ranks from 1, in another order in each layer.
std::vector<std::uint32_t> shuffled_ranks(std::uint32_t experts, std::uint64_t seed, std::uint32_t layer) {
  std::vector<std::uint32_t> rank(experts);
  std::iota(rank.begin(), rank.end(), 1u);
  Draws draws(seed, "expert ranks", layer);
  for (std::uint32_t n = experts; n > 1; --n) std::swap(rank[n - 1], rank[draws.below(n)]);
  return rank;
}

}  // namespace

double lognormal_popularity(std::uint64_t seed, std::uint64_t layer, std::uint64_t expert, double sigma) {
  return lognormal(seed, "expert popularity", layer, expert, sigma);
}

ExpertLoads loads_of(const Popularity& p, std::uint32_t layers, std::uint32_t experts, std::uint64_t seed) {
  WEFT_CHECK(p.sigma >= 0 && p.exponent >= 0, "a spread is no negative number");
  ExpertLoads out{layers, experts, std::vector<double>(std::size_t{layers} * experts, 1.0)};
  if (p.kind == PopularityKind::uniform) return out;
  for (std::uint32_t l = 0; l < layers; ++l) {
    const std::vector<std::uint32_t> rank = p.kind == PopularityKind::zipf ? shuffled_ranks(experts, seed, l) : std::vector<std::uint32_t>();
    for (std::uint32_t e = 0; e < experts; ++e) {
      out.load[std::size_t{l} * experts + e] =
          p.kind == PopularityKind::zipf ? std::pow(rank[e], -p.exponent) : lognormal_popularity(seed, l, e, p.sigma);
    }
  }
  return out;
}

ExpertLoads drifted(ExpertLoads loads, double sigma, std::uint64_t seed) {
  if (sigma == 0) return loads;
  for (std::size_t i = 0; i < loads.load.size(); ++i) loads.load[i] *= lognormal(seed, "expert drift", i / loads.experts, i % loads.experts, sigma);
  return loads;
}

}  // namespace weft::workloads::moe
