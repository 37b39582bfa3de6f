#include "workloads/moe/routing_from_shares.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/core/error.h"

namespace weft::workloads::moe {
namespace {

/// Chance that at least one of `slots` is chosen when each is with probability `each`.
double hit(double each, double slots) { return 1 - std::pow(1 - std::min(1.0, each), slots); }

}  // namespace

RoutingTable routing_from_shares(const Gate& gate, const Group& group, std::span<const double> shares, std::uint64_t seed) {
  WEFT_CHECK(shares.size() == group.ranks && gate.experts % group.ranks == 0, "a share a rank, and equally many slots");
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  WEFT_CHECK(sum > 0 && *std::min_element(shares.begin(), shares.end()) >= 0, "shares of a load");
  RoutingTable t = expected_routing(gate, group, seed);
  if (std::all_of(shares.begin(), shares.end(), [&](double s) { return s == shares[0]; })) return t;
  t.alike = false;
  t.remote.clear();
  const double even_message = t.messages[0], even_copy = t.copies[0], even_selection = t.selections[0], tokens = group.tokens;
  const double chosen = static_cast<double>(gate.topk) / gate.experts, of_rank = static_cast<double>(gate.experts) / group.ranks;
  for (std::uint32_t node = 0; node < group.nodes(); ++node) {
    double of_node = 0, most = 0, all = 0;
    for (std::uint32_t to = node * group.per_node; to < (node + 1) * group.per_node; ++to) {
      const double share = shares[to] / sum * group.ranks;
      of_node += share / group.per_node;
      const double selections = even_selection * share;
      const double copies = std::min({even_copy * hit(chosen * share, of_rank) / hit(chosen, of_rank), selections, tokens});
      t.selections[to] = selections, t.copies[to] = copies;
      most = std::max(most, copies), all += copies;
    }
    const double slots = of_rank * group.per_node;
    t.messages[node] = std::clamp(std::min(even_message * hit(chosen * of_node, slots) / hit(chosen, slots), tokens), most, all);
  }
  for (std::uint32_t from = 1; from < group.ranks; ++from) {
    std::copy_n(t.messages.begin(), group.nodes(), t.messages.begin() + std::size_t{from} * group.nodes());
    std::copy_n(t.copies.begin(), group.ranks, t.copies.begin() + std::size_t{from} * group.ranks);
    std::copy_n(t.selections.begin(), group.ranks, t.selections.begin() + std::size_t{from} * group.ranks);
  }
  return t;
}

}  // namespace weft::workloads::moe
