#include "workloads/moe/eplb.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::moe {
namespace {

using Numbers = std::vector<std::uint32_t>;

/// Which pack an item went to, and how many were there before it.
struct Packed {
  Numbers pack, rank;
};

/// `packs` packs of equally many items: the heaviest item first, each to the lightest pack that has room.
Packed pack(std::span<const double> weight, std::uint32_t packs) {
  const auto n = static_cast<std::uint32_t>(weight.size());
  const std::uint32_t room = n / packs;
  Packed p{Numbers(n), Numbers(n, 0)};
  if (room == 1) {
    std::iota(p.pack.begin(), p.pack.end(), 0u);
    return p;
  }
  Numbers order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return weight[a] > weight[b]; });
  using Open = std::pair<double, std::uint32_t>;   // load so far, pack: of equal loads the lower pack is the lesser
  std::vector<Open> all(packs);
  for (std::uint32_t i = 0; i < packs; ++i) all[i] = {0.0, i};
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open(std::greater<>(), std::move(all));
  Numbers items(packs, 0);
  for (const std::uint32_t item : order) {
    const auto [load, lightest] = open.top();
    open.pop();
    p.pack[item] = lightest;
    p.rank[item] = items[lightest]++;
    if (items[lightest] < room) open.emplace(load + weight[item], lightest);
  }
  return p;
}

/// Copies in the order in which they were made: first one of each item, then one more of the item whose copies are busiest.
struct Replicated {
  Numbers item, rank;   ///< of each copy
  Numbers copies;       ///< of each item
};

Replicated replicate(std::span<const double> weight, std::uint32_t slots) {
  const auto n = static_cast<std::uint32_t>(weight.size());
  Replicated r{Numbers(n), Numbers(n, 0), Numbers(n, 1)};
  std::iota(r.item.begin(), r.item.end(), 0u);
  struct Busy {
    double load;   ///< of each copy
    std::uint32_t item;
    bool operator<(const Busy& o) const { return load != o.load ? load < o.load : item > o.item; }
  };
  std::vector<Busy> all(n);
  for (std::uint32_t i = 0; i < n; ++i) all[i] = {weight[i], i};
  std::priority_queue<Busy> busiest(std::less<Busy>(), std::move(all));
  for (std::uint32_t slot = n; slot < slots; ++slot) {
    const std::uint32_t item = busiest.top().item;
    busiest.pop();
    r.item.push_back(item);
    r.rank.push_back(r.copies[item]++);
    busiest.push({weight[item] / r.copies[item], item});
  }
  return r;
}

/// Experts in the order of the nodes that their groups went to: node by node, there by place in the node, then as they stand in the group.
Numbers order_by_node(std::span<const double> weight, std::uint32_t groups, std::uint32_t nodes) {
  const auto experts = static_cast<std::uint32_t>(weight.size());
  const std::uint32_t size = experts / groups, of_node = groups / nodes;
  std::vector<double> load(groups, 0);
  for (std::uint32_t e = 0; e < experts; ++e) load[e / size] += weight[e];
  const Packed p = pack(load, nodes);
  Numbers order(experts);
  for (std::uint32_t e = 0; e < experts; ++e) {
    const std::uint32_t g = e / size;
    order[(p.pack[g] * of_node + p.rank[g]) * size + e % size] = e;
  }
  return order;
}

/// One layer; global is one group on one node.
void place_layer(std::span<const double> weight, const EplbShape& s, std::uint32_t layer, EplbPlacement& out) {
  const Numbers order = order_by_node(weight, s.groups, s.nodes);
  const auto experts = static_cast<std::uint32_t>(weight.size());
  const std::uint32_t experts_here = experts / s.nodes, slots_here = s.replicas / s.nodes, of_gpu = s.replicas / s.gpus;
  std::uint32_t* const expert_of = &out.experts.expert_of_slot[std::size_t{layer} * s.replicas];
  std::uint32_t* const replica_of = &out.replica_of_slot[std::size_t{layer} * s.replicas];
  std::vector<double> here(experts_here), load(slots_here);
  for (std::uint32_t node = 0; node < s.nodes; ++node) {
    const std::uint32_t* const expert = &order[std::size_t{node} * experts_here];
    for (std::uint32_t i = 0; i < experts_here; ++i) here[i] = weight[expert[i]];
    const Replicated r = replicate(here, slots_here);
    for (std::uint32_t i = 0; i < slots_here; ++i) load[i] = here[r.item[i]] / r.copies[r.item[i]];
    const Packed p = pack(load, s.gpus / s.nodes);
    for (std::uint32_t i = 0; i < slots_here; ++i) {
      const std::uint32_t slot = node * slots_here + p.pack[i] * of_gpu + p.rank[i];
      expert_of[slot] = expert[r.item[i]];
      replica_of[slot] = r.rank[i];
    }
    for (std::uint32_t i = 0; i < experts_here; ++i) out.experts.copies[std::size_t{layer} * experts + expert[i]] = r.copies[i];
  }
}

void check_loads(const ExpertLoads& loads, Problems& problems) {
  if (loads.layers == 0 || loads.experts == 0 || loads.load.size() != std::size_t{loads.layers} * loads.experts) {
    problems.add({"", "", "there are no loads", "give a number for each expert of at least one layer"});
    return;
  }
  for (std::uint32_t l = 0; l < loads.layers; ++l) {
    double sum = 0;
    for (std::uint32_t e = 0; e < loads.experts; ++e) {
      const double load = loads.at(l, e);
      sum += load;
      if (load >= 0 && std::isfinite(load)) continue;
      problems.add({"", fmt::format("/{}/{}", l, e), fmt::format("expected a load of zero or more, got {:g}", load), "loads are counts of tokens, or in proportion to them"});
      return;   // one is enough: there may be thousands
    }
    if (!std::isfinite(sum)) {
      problems.add({"", fmt::format("/{}", l), "the loads of this layer add up to more than a number can hold", "divide all of them by the same number"});
      return;
    }
  }
}

constexpr std::size_t kMostSlots = 1u << 27;   // of all layers together: half a gigabyte for each list of them

void check_shape(const EplbShape& s, std::uint32_t layers, std::uint32_t experts, bool hierarchical, Problems& problems) {
  const auto tell = [&](const char* place, std::string message, std::string hint) { problems.add({"", place, std::move(message), std::move(hint)}); };
  bool positive = true;
  for (const auto& [place, n] : {std::pair{"--replicas", s.replicas}, {"--groups", s.groups}, {"--nodes", s.nodes}, {"--gpus", s.gpus}}) {
    if (n > 0) continue;
    tell(place, "expected at least 1, got 0", "");
    positive = false;
  }
  if (!positive) return;
  if (std::size_t{layers} * s.replicas > kMostSlots) tell("--replicas", fmt::format("{} slots in each of {} layers are more than weft takes", s.replicas, layers), "");
  if (s.replicas < experts) {
    tell("--replicas", fmt::format("{} experts do not fit into {} slots", experts, s.replicas), fmt::format("every expert needs one: at least {}", experts));
  }
  if (s.replicas % s.gpus != 0) {
    tell("--replicas", fmt::format("{} slots do not divide over {} GPUs", s.replicas, s.gpus),
         fmt::format("every GPU has equally many: {} or {} would do", std::max(s.replicas / s.gpus * s.gpus, s.gpus), (s.replicas / s.gpus + 1) * s.gpus));
  }
  if (experts % s.groups != 0) tell("--groups", fmt::format("{} experts do not divide into {} groups", experts, s.groups), "groups are those of the gate; 1 where it has none");
  if (!hierarchical) return;
  if (s.groups % s.nodes != 0) tell("--groups", fmt::format("{} groups do not divide over {} nodes", s.groups, s.nodes), "the global policy needs no such thing");
  if (s.gpus % s.nodes != 0) tell("--gpus", fmt::format("{} GPUs do not divide over {} nodes", s.gpus, s.nodes), "every node has equally many");
}

}  // namespace

EplbPlacement rebalance(const ExpertLoads& loads, const EplbShape& shape, EplbPolicy policy) {
  const bool hierarchical = policy == EplbPolicy::by_shape ? is_hierarchical(shape) : policy == EplbPolicy::hierarchical;
  Problems problems;
  check_loads(loads, problems);
  if (problems.empty()) check_shape(shape, loads.layers, loads.experts, hierarchical, problems);
  problems.throw_if_any();
  EplbShape s = shape;
  if (!hierarchical) s.groups = s.nodes = 1;
  EplbPlacement out;
  out.hierarchical = hierarchical;
  out.experts = {loads.layers, loads.experts, s.replicas, s.gpus, {}, {}};
  out.experts.expert_of_slot.resize(std::size_t{loads.layers} * s.replicas);
  out.replica_of_slot.resize(out.experts.expert_of_slot.size());
  out.experts.copies.resize(loads.load.size());
  for (std::uint32_t l = 0; l < loads.layers; ++l) {
    place_layer(std::span(loads.load).subspan(std::size_t{l} * loads.experts, loads.experts), s, l, out);
  }
  return out;
}

std::uint32_t EplbPlacement::most_copies() const {
  return experts.copies.empty() ? 0 : *std::max_element(experts.copies.begin(), experts.copies.end());
}

std::vector<std::int32_t> EplbPlacement::slots_of_experts() const {
  const std::size_t most = most_copies();
  std::vector<std::int32_t> slots(std::size_t{experts.layers} * experts.experts * most, -1);
  for (std::size_t i = 0; i < experts.expert_of_slot.size(); ++i) {
    const std::size_t layer = i / experts.slots;
    slots[(layer * experts.experts + experts.expert_of_slot[i]) * most + replica_of_slot[i]] = static_cast<std::int32_t>(i % experts.slots);
  }
  return slots;
}

}  // namespace weft::workloads::moe
