#include "workloads/storage/chains.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::workloads::storage {
namespace {

void require_sound(const ChainShape& s) {
  if (s.replicas > s.nodes)
    throw UserError("/replicas", fmt::format("{} replicas need {} storage nodes, the cluster has {}", s.replicas, s.replicas, s.nodes),
                    "a chain has one target a node: ask for fewer replicas, or give the cluster more storage nodes");
  const std::uint64_t targets = std::uint64_t{s.nodes} * s.ssds_per_node * s.targets_per_ssd;
  if (targets % s.replicas != 0)
    throw UserError("/targets_per_ssd",
                    fmt::format("{} nodes x {} SSDs x {} targets = {} targets do not divide into chains of {}", s.nodes, s.ssds_per_node,
                                s.targets_per_ssd, targets, s.replicas),
                    fmt::format("{} targets an SSD always do", s.replicas));
  // Each member of a chain is chosen among all nodes by whom it has met, and then takes its place in turns with every other: some seconds at most.
  constexpr double kMostSteps = 1e9, kStepsOfPlaces = 50;
  const std::uint64_t chains = targets / s.replicas;
  if (static_cast<double>(chains) * s.replicas * s.replicas * (s.nodes + kStepsOfPlaces) > kMostSteps)
    throw UserError("/targets_per_ssd",
                    fmt::format("{} nodes x {} SSDs x {} targets are {} chains of {}: too many to lay out evenly", s.nodes, s.ssds_per_node,
                                s.targets_per_ssd, chains, s.replicas),
                    "give an SSD fewer targets, or the cluster fewer storage nodes or SSDs (/cluster/storage)");
}

/// Nodes of every chain, before SSDs are chosen.
class NodeChains {
 public:
  NodeChains(const ChainShape& shape, std::uint64_t seed)
      : shape_(shape), draws_(seed, "chain table"), met_(shape.replicas > 1 ? at(shape.nodes, 0) : 0) {
    left_.assign(shape.nodes, shape.ssds_per_node * shape.targets_per_ssd);
    const auto chains = static_cast<std::uint32_t>(std::uint64_t{shape.nodes} * left_[0] / shape.replicas);
    for (std::uint32_t c = 0; c < chains; ++c) add_chain();
    even_out(chains);
  }

  std::vector<std::uint32_t> nodes;  ///< chain by chain

 private:
  /// A place for each pair, a >= b.
  static std::size_t at(std::size_t a, std::size_t b) { return a * (a + 1) / 2 + b; }
  std::uint32_t& met(std::uint32_t a, std::uint32_t b) { return met_[at(std::max(a, b), std::min(a, b))]; }

  // The node with most targets left, of these the one that has met the chosen ones least: every node is used up together.
  void add_chain() {
    const std::size_t first = nodes.size();
    for (std::uint32_t r = 0; r < shape_.replicas; ++r) {
      const std::uint64_t salt = draws_();
      std::uint32_t best = shape_.nodes;
      std::tuple<std::int64_t, std::uint32_t, std::uint64_t> least;
      for (std::uint32_t n = 0; n < shape_.nodes; ++n) {
        if (best != shape_.nodes && left_[n] < left_[best]) continue;
        std::uint32_t meetings = 0;
        bool taken = false;
        for (std::size_t k = first; k < nodes.size(); ++k) taken |= nodes[k] == n, meetings += met(nodes[k], n);
        if (taken) continue;
        const std::tuple key{-static_cast<std::int64_t>(left_[n]), meetings, hash_with(salt, n)};
        if (best == shape_.nodes || key < least) best = n, least = key;
      }
      for (std::size_t k = first; k < nodes.size(); ++k) ++met(nodes[k], best);
      nodes.push_back(best);
      --left_[best];
    }
  }

  // Swaps members of two chains where that does not make meetings less even (the sum of their squares): a search for a balanced design.
  void even_out(std::uint32_t chains) {
    const std::uint32_t r = shape_.replicas;
    if (r < 2 || chains < 2) return;
    const std::uint64_t tries = std::min<std::uint64_t>(200000, std::uint64_t{chains} * 2000);
    for (std::uint64_t t = 0; t < tries; ++t) {
      const std::size_t i = draws_.below(chains) * r, j = draws_.below(chains) * r;
      const std::size_t p = i + draws_.below(r), q = j + draws_.below(r);
      if (i == j || nodes[p] == nodes[q] || holds(i, nodes[q]) || holds(j, nodes[p])) continue;
      if (change(i, p, j, q) > 0) change(i, p, j, q);  // swapping back is the same change again
    }
  }

  bool holds(std::size_t chain, std::uint32_t node) const {
    const auto begin = nodes.begin() + static_cast<std::ptrdiff_t>(chain);
    return std::find(begin, begin + shape_.replicas, node) != begin + shape_.replicas;
  }

  /// Swaps places p of chain i and q of chain j; by how much the sum of squares grew.
  std::int64_t change(std::size_t i, std::size_t p, std::size_t j, std::size_t q) {
    std::int64_t grown = 0;
    const auto meet = [&](std::size_t chain, std::size_t place, int by) {
      for (std::size_t k = chain; k < chain + shape_.replicas; ++k) {
        if (k == place) continue;
        std::uint32_t& m = met(nodes[k], nodes[place]);
        grown += by > 0 ? 2 * std::int64_t{m} + 1 : 1 - 2 * std::int64_t{m};
        m = by > 0 ? m + 1 : m - 1;
      }
    };
    meet(i, p, -1), meet(j, q, -1);
    std::swap(nodes[p], nodes[q]);
    meet(i, p, 1), meet(j, q, 1);
    return grown;
  }

  const ChainShape& shape_;
  Draws draws_;
  std::vector<std::uint32_t> left_, met_;
};

/// Exchanges members between two places of chains so that every node comes to be at one as often as at the other, or once more. Each chain is an edge
/// between its two members; walks that use every edge once, closed by way of a node that stands for all of odd degree, enter and leave a node alike.
void even_places(std::vector<std::uint32_t>& chains, std::uint32_t nodes, std::uint32_t replicas, std::uint32_t p, std::uint32_t q) {
  struct Edge {
    std::uint32_t a, b;
    std::size_t chain;  ///< beyond all: none
    bool used = false;
  };
  std::vector<Edge> edges;
  std::vector<std::vector<std::size_t>> at(nodes + 1);
  const auto add = [&](std::uint32_t a, std::uint32_t b, std::size_t chain) {
    at[a].push_back(edges.size()), at[b].push_back(edges.size());
    edges.push_back({a, b, chain});
  };
  for (std::size_t c = 0; c < chains.size(); c += replicas) add(chains[c + p], chains[c + q], c);
  for (std::uint32_t n = 0; n < nodes; ++n)
    if (at[n].size() % 2 == 1) add(n, nodes, chains.size());
  for (std::uint32_t start = 0; start <= nodes; ++start)
    for (std::uint32_t here = start; !at[here].empty();) {
      Edge& e = edges[at[here].back()];
      at[here].pop_back();
      if (e.used) continue;
      e.used = true;
      const std::uint32_t next = e.a == here ? e.b : e.a;
      if (e.chain < chains.size()) chains[e.chain + p] = here, chains[e.chain + q] = next;
      here = next;
    }
}

/// Brings every node to each place of a chain alike: two places at a time, until all agree.
void order_members(std::vector<std::uint32_t>& chains, std::uint32_t nodes, std::uint32_t replicas) {
  for (int round = 0; round < 8; ++round)
    for (std::uint32_t p = 0; p < replicas; ++p)
      for (std::uint32_t q = p + 1; q < replicas; ++q) even_places(chains, nodes, replicas, p, q);
}

}  // namespace

ChainTable::ChainTable(const ChainShape& shape, std::uint64_t seed) : shape_(shape) {
  require_sound(shape);
  NodeChains chains(shape_, seed);
  order_members(chains.nodes, shape.nodes, shape.replicas);
  std::vector<std::uint32_t> used(shape.nodes);
  targets_.reserve(chains.nodes.size());
  for (const std::uint32_t n : chains.nodes) targets_.push_back({n, used[n]++ % shape.ssds_per_node});  // SSDs of a node in turn
}

std::uint32_t ChainTable::meetings(std::uint32_t a, std::uint32_t b) const {
  std::uint32_t count = 0;
  for (std::uint32_t c = 0; c < size(); ++c) {
    const auto members = chain(c);
    const auto has = [&](std::uint32_t n) {
      return std::any_of(members.begin(), members.end(), [n](const Target& t) { return t.node == n; });
    };
    count += has(a) && has(b) ? 1 : 0;
  }
  return count;
}

std::uint32_t FileLayout::chain_of(std::uint64_t file, std::uint64_t chunk) const {
  // A permutation of the stripe by the file's seed: a Feistel walk over the next power of four, cycled into range.
  const std::uint64_t key = hash_with(mix64(seed_), file);
  std::uint32_t half = 1;
  while ((1u << (2 * half)) < stripe_) ++half;
  const std::uint32_t mask = (1u << half) - 1;
  auto place = static_cast<std::uint32_t>(chunk % stripe_);
  do {
    std::uint32_t left = place >> half, right = place & mask;
    for (std::uint32_t round = 0; round < 4; ++round) {
      const std::uint32_t next = left ^ (static_cast<std::uint32_t>(hash_with(key + round, right)) & mask);
      left = right;
      right = next;
    }
    place = left << half | right;
  } while (place >= stripe_);
  return static_cast<std::uint32_t>((file * stripe_ + place) % chains_);
}

}  // namespace weft::workloads::storage
