// A RoutingTable says how many tokens of each rank go to each node, rank and expert's rank: what a gate came to.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/moe/gate.h"

namespace weft::workloads::moe {

/// Who takes part and how much.
struct Group {
  std::uint32_t ranks = 16, per_node = 8;  ///< per_node divides ranks
  std::uint32_t tokens = 4096;             ///< of each rank
  std::uint32_t masked = 0;                ///< selections of a rank that are struck out at random
  std::uint32_t nodes() const { return ranks / per_node; }
};

/// Counts of tokens; whole when sampled, means when expected.
struct RoutingTable {
  Group group;
  std::vector<double> messages;    ///< [rank][node]: tokens with an expert on that node
  std::vector<double> copies;      ///< [rank][rank]: tokens with an expert on that rank
  std::vector<double> selections;  ///< [rank][rank]: (token, expert) pairs on that rank

  std::vector<double> remote;      ///< [rank]: tokens with an expert on another node; empty where nobody counted them

  bool alike = false;              ///< every rank's counts are those of any other, ranks and nodes renamed

  double message(std::uint32_t from, std::uint32_t node) const { return messages[from * group.nodes() + node]; }
  double copy(std::uint32_t from, std::uint32_t to) const { return copies[from * group.ranks + to]; }
  double selection(std::uint32_t from, std::uint32_t to) const { return selections[from * group.ranks + to]; }
  double mean_nodes() const;  ///< distinct nodes of a token, its own included
  double mean_ranks() const;  ///< distinct ranks of a token, its own included
};

/// Every token of every rank draws its experts from (seed, rank, token). Rank r has the experts r * experts / ranks and
/// on.
RoutingTable sample_routing(const Gate& gate, const Group& group, std::uint64_t seed);

/// Distinct nodes and ranks of a token on average: by formula where every group may be chosen,
/// E = G (1 - C(n - n/G, k) / C(n, k)); otherwise the mean over 65,536 tokens drawn with the seed.
struct FanOut {
  double nodes = 1, ranks = 1;
  double remote = 0;   ///< part of the tokens that have an expert on another node than their own
};
FanOut expected_fan_out(const Gate& gate, const Group& group, std::uint64_t seed);

/// All ranks alike: every node gets nodes/n of a rank's tokens, every rank ranks/n of them.
RoutingTable expected_routing(const Gate& gate, const Group& group, std::uint64_t seed);

}  // namespace weft::workloads::moe
