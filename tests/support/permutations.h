// Permutations of endpoints and the max-min rates that they reach on a fabric, by the plain solver.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "sim/core/random.h"
#include "tests/support/fabrics.h"
#include "tests/support/naive_max_min.h"

namespace weft::testing {

/// A random permutation in which nobody sends to its own block of `block` neighbours (its leaf).
inline std::vector<std::uint32_t> cross_leaf_permutation(std::uint32_t n, std::uint32_t block, std::uint64_t seed) {
  std::vector<std::uint32_t> to(n);
  std::iota(to.begin(), to.end(), 0u);
  Draws draw(seed, "permutation");
  for (std::uint32_t i = n; i > 1; --i) std::swap(to[i - 1], to[draw() % i]);
  // Mend what stays on its leaf by exchanges that leave both sides right.
  const auto stays = [&](std::uint32_t i, std::uint32_t target) { return i / block == target / block; };
  for (std::uint32_t i = 0; i < n; ++i) {
    while (stays(i, to[i])) {
      const auto j = static_cast<std::uint32_t>(draw() % n);
      if (!stays(i, to[j]) && !stays(j, to[i])) std::swap(to[i], to[j]);
    }
  }
  return to;
}

/// Rate of every endpoint in line rates when i sends to to[i]; each sub-flow is a max-min flow of its own.
inline std::vector<double> permutation_rates(topology::Router& r, const std::vector<std::uint32_t>& to) {
  const topology::Fabric& f = r.fabric();
  const double line_rate = f.node_spec().nic_rate.value.value();
  std::vector<double> capacity;
  for (std::uint32_t l = 0; l < f.links().size(); ++l) capacity.push_back(r.capacity(LinkId(l)).value() / line_rate);
  std::vector<NaiveFlow> flows;
  std::vector<std::uint32_t> owner;
  for (std::uint32_t i = 0; i < to.size(); ++i) {
    for (const topology::SubRoute& s : routes(r, nic(i), nic(to[i]), i)) {
      NaiveFlow flow;
      for (const auto& [link, share] : hops_of(r, s)) flow.links.emplace_back(link.value, share);
      flows.push_back(std::move(flow));
      owner.push_back(i);
    }
  }
  const std::vector<double> rate = naive_max_min(capacity, flows);
  std::vector<double> sum(to.size(), 0.0);
  for (std::size_t s = 0; s < rate.size(); ++s) sum[owner[s]] += rate[s];
  return sum;
}

struct MeanMin {
  double mean = 0, min = 0;
};

inline MeanMin mean_and_min(const std::vector<double>& rates) {
  const double sum = std::accumulate(rates.begin(), rates.end(), 0.0);
  return {sum / static_cast<double>(rates.size()), *std::min_element(rates.begin(), rates.end())};
}

}  // namespace weft::testing
