#include "workloads/moe/routing_table.h"

#include <algorithm>
#include <numeric>

#include "sim/core/error.h"

namespace weft::workloads::moe {

double RoutingTable::mean_nodes() const {
  return std::accumulate(messages.begin(), messages.end(), 0.0) / (static_cast<double>(group.ranks) * group.tokens);
}
double RoutingTable::mean_ranks() const {
  return std::accumulate(copies.begin(), copies.end(), 0.0) / (static_cast<double>(group.ranks) * group.tokens);
}

namespace {

/// Counts one rank's tokens. Marks in `seen` say which token last touched a rank or node, so nothing is cleared
/// between.
class Counter {
 public:
  Counter(const Gate& gate, const Group& group)
      : gate_(gate),
        group_(group),
        per_rank_(gate.experts / group.ranks),
        seen_rank_(group.ranks, 0),
        seen_node_(group.nodes(), 0),
        rank_of_(gate.experts),
        node_of_(gate.experts),
        chosen_(gate.topk) {
    for (std::uint32_t e = 0; e < gate.experts; ++e)
      rank_of_[e] = e / per_rank_, node_of_[e] = rank_of_[e] / group.per_node;
  }

  void count(std::uint32_t rank, std::uint32_t tokens, std::uint64_t seed, double* messages, double* copies,
             double* selections, double& remote) {
    const std::uint32_t own = rank / group_.per_node;
    const std::vector<bool> masked = masked_selections(rank, tokens, seed);
    for (std::uint32_t token = 0; token < tokens; ++token) {
      Draws draws(seed, "gate", rank, token);
      gate_.choose(draws, chosen_);
      ++mark_;
      bool leaves = false;
      for (std::uint32_t k = 0; k < gate_.topk; ++k) {
        if (!masked.empty() && masked[std::size_t{token} * gate_.topk + k]) continue;
        const std::uint32_t to = rank_of_[chosen_[k]], node = node_of_[chosen_[k]];
        selections[to] += 1;
        if (seen_rank_[to] != mark_) seen_rank_[to] = mark_, copies[to] += 1;
        if (seen_node_[node] != mark_) seen_node_[node] = mark_, messages[node] += 1;
        leaves = leaves || node != own;
      }
      if (leaves) remote += 1;
    }
  }

 private:
  /// Which selections are struck out; empty when none is. Floyd's way to choose k of n, all sets alike: one draw for each
  /// (Bentley and Floyd, "A Sample of Brilliance", CACM 1987).
  std::vector<bool> masked_selections(std::uint32_t rank, std::uint32_t tokens, std::uint64_t seed) const {
    if (group_.masked == 0) return {};
    const std::size_t n = std::size_t{tokens} * gate_.topk;
    WEFT_CHECK(group_.masked <= n, "more selections struck out than there are");
    std::vector<bool> masked(n, false);
    Draws draws(seed, "mask", rank);
    for (std::size_t last = n - group_.masked; last < n; ++last) {
      const std::size_t drawn = draws.below(last + 1);
      masked[masked[drawn] ? last : drawn] = true;
    }
    return masked;
  }

  const Gate& gate_;
  const Group& group_;
  std::uint32_t per_rank_;
  std::uint64_t mark_ = 0;
  std::vector<std::uint64_t> seen_rank_, seen_node_;
  std::vector<std::uint32_t> rank_of_, node_of_, chosen_;
};

RoutingTable empty_table(const Group& group) {
  RoutingTable t;
  t.group = group;
  t.messages.assign(static_cast<std::size_t>(group.ranks) * group.nodes(), 0.0);
  t.copies.assign(static_cast<std::size_t>(group.ranks) * group.ranks, 0.0);
  t.selections = t.copies;
  t.remote.assign(group.ranks, 0.0);
  return t;
}

/// G (1 - C(n - n/G, k) / C(n, k)), the distinct ones of G equal sets that k of n hit.
double distinct_of(std::uint32_t sets, std::uint32_t n, std::uint32_t k) {
  double none = 1;  // probability that a given set is missed
  for (std::uint32_t i = 0; i < k; ++i) none *= std::max(0.0, static_cast<double>(n) - n / sets - i) / (n - i);
  return sets * (1 - none);
}

/// 1 - C(n/G, k) / C(n, k): the chance that k of n do not all lie in one given of G equal sets.
double leaves_set(std::uint32_t sets, std::uint32_t n, std::uint32_t k) {
  double inside = 1;
  for (std::uint32_t i = 0; i < k; ++i) inside *= std::max(0.0, static_cast<double>(n / sets) - i) / (n - i);
  return 1 - inside;
}

}  // namespace

RoutingTable sample_routing(const Gate& gate, const Group& group, std::uint64_t seed) {
  WEFT_CHECK(gate.experts % group.ranks == 0 && group.ranks % group.per_node == 0,
             "experts divide over ranks, ranks over nodes");
  RoutingTable t = empty_table(group);
  Counter counter(gate, group);
  for (std::uint32_t r = 0; r < group.ranks; ++r)
    counter.count(r, group.tokens, seed, &t.messages[r * group.nodes()],
                  &t.copies[static_cast<std::size_t>(r) * group.ranks],
                  &t.selections[static_cast<std::size_t>(r) * group.ranks], t.remote[r]);
  return t;
}

FanOut expected_fan_out(const Gate& gate, const Group& group, std::uint64_t seed) {
  if (gate.rule == GateRule::unrestricted || gate.chosen_groups == gate.groups)
    return {distinct_of(group.nodes(), gate.experts, gate.topk), distinct_of(group.ranks, gate.experts, gate.topk),
            leaves_set(group.nodes(), gate.experts, gate.topk)};
  constexpr std::uint32_t sample = 65536;
  Group unmasked = group;
  unmasked.masked = 0;
  std::vector<double> messages(group.nodes()), copies(group.ranks), selections(group.ranks);
  double remote = 0;
  Counter(gate, unmasked).count(0, sample, seed, messages.data(), copies.data(), selections.data(), remote);
  return {std::accumulate(messages.begin(), messages.end(), 0.0) / sample,
          std::accumulate(copies.begin(), copies.end(), 0.0) / sample, remote / sample};
}

RoutingTable expected_routing(const Gate& gate, const Group& group, std::uint64_t seed) {
  const FanOut fan_out = expected_fan_out(gate, group, seed);
  RoutingTable t = empty_table(group);
  const double selections = static_cast<double>(group.tokens) * gate.topk - group.masked;
  t.alike = true;
  std::fill(t.messages.begin(), t.messages.end(), group.tokens * fan_out.nodes / group.nodes());
  std::fill(t.copies.begin(), t.copies.end(), group.tokens * fan_out.ranks / group.ranks);
  std::fill(t.selections.begin(), t.selections.end(), selections / group.ranks);
  std::fill(t.remote.begin(), t.remote.end(), group.tokens * fan_out.remote);
  return t;
}

}  // namespace weft::workloads::moe
