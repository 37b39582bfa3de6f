#include "scenarios/failures/network_losses.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::scenarios {
namespace {

Endpoint nic_at(std::uint32_t node, std::uint32_t local) { return {Endpoint::Kind::nic, NodeId(node), local}; }

using Groups = std::vector<std::vector<std::uint32_t>>;   ///< of nodes

/// Nodes whose NICs on a rail reach one another.
Groups groups_on(topology::Router& router, std::uint32_t nodes, std::uint32_t rail) {
  Groups groups;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    const auto mine = std::ranges::find_if(groups, [&](const auto& g) { return router.reachable(nic_at(node, rail), nic_at(g.front(), rail)); });
    if (mine == groups.end()) groups.push_back({node});
    else mine->push_back(node);
  }
  return groups;
}

/// By node: the number of its part of the network, joined over all rails.
std::vector<std::uint32_t> parts_of(const std::vector<Groups>& rails, std::uint32_t nodes) {
  std::vector<std::uint32_t> part(nodes);
  std::iota(part.begin(), part.end(), 0u);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Groups& groups : rails) {
      for (const auto& group : groups) {
        std::uint32_t least = part[group.front()];
        for (const std::uint32_t node : group) least = std::min(least, part[node]);
        for (const std::uint32_t node : group) changed = changed || part[node] != least, part[node] = least;
      }
    }
  }
  return part;
}

/// By node: which of its NICs reach the largest part of the network, the first of equally large ones: a job does not run in two halves. Where that part falls
/// apart on one rail, NICs of its largest piece there. The NICs of a single node need no path.
std::vector<std::vector<bool>> live_rails(topology::Router& router, std::uint32_t nodes, std::uint32_t rails) {
  std::vector<std::vector<bool>> live(nodes, std::vector<bool>(rails, nodes == 1));
  if (nodes == 1) return live;
  std::vector<Groups> by_rail;
  for (std::uint32_t rail = 0; rail < rails; ++rail) by_rail.push_back(groups_on(router, nodes, rail));
  const std::vector<std::uint32_t> part = parts_of(by_rail, nodes);
  std::vector<std::uint32_t> size(nodes, 0);
  for (const std::uint32_t p : part) ++size[p];
  const auto most = static_cast<std::uint32_t>(std::ranges::max_element(size) - size.begin());
  for (std::uint32_t rail = 0; rail < rails; ++rail) {
    const std::vector<std::uint32_t>* largest = nullptr;
    for (const auto& group : by_rail[rail]) {
      if (part[group.front()] == most && (largest == nullptr || group.size() > largest->size())) largest = &group;
    }
    if (largest == nullptr || largest->size() < 2) continue;
    for (const std::uint32_t node : *largest) live[node][rail] = true;
  }
  return live;
}

/// What part of the cables from a switch to other switches is up.
double cables_left(const topology::Fabric& f, VertexId sw) {
  double all = 0, up = 0;
  for (const LinkId l : f.out_links(sw)) {
    if (f.vertex(f.link(l).to).kind != topology::VertexKind::net_switch) continue;
    all += 1;
    up += f.link(l).up ? 1 : 0;
  }
  return all == 0 ? 1 : up / all;
}

/// By rail: what the worst of its leaves has left upwards, over what traffic needs when NICs are at line rate; 1 at most. Leaves that are lost do not count.
std::vector<double> rail_weights(const topology::Fabric& f, std::uint32_t nodes, std::uint32_t rails, double need) {
  std::vector<double> weights(rails, 1);
  for (std::uint32_t rail = 0; rail < rails; ++rail) {
    for (std::uint32_t node = 0; node < nodes; ++node) {
      const double left = cables_left(f, f.switch_of_nic(f.vertex_of(nic_at(node, rail))));
      if (left > 0) weights[rail] = std::min(weights[rail], left / need);
    }
  }
  return weights;
}

/// Part of the traffic between nodes that leaves the leaf, when every NIC sends evenly to the NICs of its rail.
double cross_leaf_share(const topology::Fabric& f, std::uint32_t nodes) {
  std::uint32_t across = 0;
  for (std::uint32_t d = 1; d < nodes; ++d) {
    if (f.switch_of_nic(f.vertex_of(nic_at(0, 0))) != f.switch_of_nic(f.vertex_of(nic_at(d, 0)))) ++across;
  }
  return nodes < 2 ? 1 : static_cast<double>(across) / (nodes - 1);
}

bool all_alike(const std::vector<double>& weights) {
  return std::all_of(weights.begin(), weights.end(), [&](double w) { return w == weights.front(); });
}

/// Seconds that the first case of a workload takes. Throws UserError where the cluster cannot do it.
double time_of(const Cluster& cluster, const DataPlaces& data, topology::Router& router, const Json& question) {
  const auto& kinds = workloads::workload_kinds();
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.name == question["kind"]; });
  WEFT_CHECK(kind != kinds.end(), "a workload that is played to see what a loss costs is not registered");
  Problems problems;
  JsonReader where(question, "what a loss costs", problems);
  where.has("kind");
  const auto workload = kind->read(where, {&data, 1, {}});
  problems.throw_if_any();
  const workloads::ClusterView view = cluster.view(router);
  const auto program = workload->cases(view).front().program(0);
  return view.play(*program).value();
}

/// How a GPU without its NIC sends, and what rails bear; empty: all alike.
struct Spread {
  std::string policy = "rebalance";
  std::vector<double> weights;
};

/// Sizes are so large that latencies do not count.
Json traffic(const char* kind, const char* size, const Spread& spread) {
  Json q = {{"kind", kind}, {"sizes", size}, {"kernel", "line_rate"}, {"on_lost_nic", spread.policy}};
  if (!spread.weights.empty()) q["rail_weights"] = spread.weights;
  return q;
}
Json uniform_traffic(const Spread& spread = {}) { return traffic("all_to_all", "16 TiB", spread); }
Json shift_traffic(const Spread& spread = {}) { return traffic("shift", "1 TiB", spread); }

/// A shift across leaves needs a distance that brings every node to another one, which a cluster need not have.
bool no_such_traffic(const UserError& e) { return e.problems().front().place == "/by" || e.problems().front().place == "/gpus"; }

/// Who can still take part.
NetworkLoss reach_of(topology::Router& router, std::uint32_t nodes, std::uint32_t rails, LostNic policy) {
  NetworkLoss loss;
  for (const std::vector<bool>& live : live_rails(router, nodes, rails)) {
    const auto alive = std::count(live.begin(), live.end(), true);
    const bool whole = alive == static_cast<std::ptrdiff_t>(rails), cut = alive == 0 || (policy == LostNic::error && !whole);
    loss.nodes_cut += cut ? 1 : 0;
    loss.nodes_slowed += !cut && !whole ? 1 : 0;
  }
  loss.job_lost = nodes > 1 && loss.nodes_cut + 1 >= static_cast<std::int64_t>(nodes);
  return loss;
}

}  // namespace

NetworkLosses::Times NetworkLosses::play(const topology::Fabric& fabric, LostNic policy) const {
  const auto nodes = static_cast<std::uint32_t>(cluster_.nodes()), rails = static_cast<std::uint32_t>(cluster_.node().gpus);
  topology::Router router(fabric, cluster_.routing());
  const auto spread = [&](double need) {
    Spread s = {lost_nic_words()[static_cast<std::size_t>(policy)], {}};
    if (policy != LostNic::rebalance) return s;
    s.weights = rail_weights(fabric, nodes, rails, need);
    if (all_alike(s.weights)) s.weights.clear();
    return s;
  };
  Times times;
  const auto played = [&](const Json& question) -> std::optional<double> {
    try {
      return time_of(cluster_, data_, router, question);
    } catch (const UserError& e) {
      if (traffic_.uniform && no_such_traffic(e)) return std::nullopt;
      times.why_not = fmt::format("{}: {}", question["kind"].get<std::string>(), e.problems().front().message);
      return std::nullopt;
    }
  };
  // Uniform traffic needs only a part of the cables upwards, a shift all.
  const double need = std::max(1e-9, cross_leaf_share(fabric, nodes));
  if (traffic_.uniform) times.uniform = played(uniform_traffic(spread(need)));
  if (traffic_.shift) times.shift = played(shift_traffic(spread(1)));
  return times;
}

NetworkLosses::NetworkLosses(const Cluster& cluster, const DataPlaces& data, PlayedTraffic traffic) : cluster_(cluster), data_(data), traffic_(traffic) {}

/// Where nothing has failed from the start all policies are alike.
const NetworkLosses::Times& NetworkLosses::whole(LostNic policy) {
  const LostNic key = cluster_.failed().empty() ? LostNic::rebalance : policy;
  const auto known = whole_.find(key);
  return known != whole_.end() ? known->second : whole_.emplace(key, play(cluster_.fabric(), key)).first->second;
}

NetworkLoss NetworkLosses::without(const std::vector<std::string>& lost, LostNic policy) {
  std::vector<std::string> failed = cluster_.failed();
  failed.insert(failed.end(), lost.begin(), lost.end());
  const auto nodes = static_cast<std::uint32_t>(cluster_.nodes()), rails = static_cast<std::uint32_t>(cluster_.node().gpus);
  const topology::Fabric fabric = topology::build_fabric(cluster_.topology(), cluster_.node(), cluster_.transport(), nodes, failed);
  topology::Router router(fabric, cluster_.routing());
  NetworkLoss loss = reach_of(router, nodes, rails, policy);
  if (!loss.survives()) return loss;
  const Times& before = whole(policy);
  const Times after = play(fabric, policy);
  loss.why_not = after.why_not.empty() ? before.why_not : after.why_not;
  const auto over = [](std::optional<double> time, std::optional<double> of) { return time && of ? std::optional(*time / *of) : std::nullopt; };
  loss.uniform = over(after.uniform, before.uniform);
  loss.shift = over(after.shift, before.shift);
  return loss;
}

}  // namespace weft::scenarios
