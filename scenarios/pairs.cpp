#include "scenarios/pairs.h"

#include <vector>

namespace weft::scenarios {
namespace {

VertexId leaf_of(const topology::Fabric& f, Place p) { return f.switch_of_nic(f.vertex_of(nic_end(p))); }

std::optional<std::pair<Rank, Rank>> farthest(const topology::Fabric& f, topology::Router& router) {
  const Placement placement = f.placement();
  std::optional<std::pair<Rank, Rank>> best;
  double most = 0;
  std::vector<topology::SubRoute> route;
  for (std::uint32_t n = 1; n < placement.nodes(); ++n) {
    const Endpoint from = nic_end({NodeId(0), 0}), to = nic_end({NodeId(n), 0});
    if (!router.reachable(from, to)) continue;
    route.clear();
    router.route(from, to, 0, route);
    if (route.front().mean_switches > most) {
      most = route.front().mean_switches;
      best = {Rank(0), placement.rank({NodeId(n), 0})};
    }
  }
  return best;
}

}  // namespace

std::optional<std::pair<Rank, Rank>> find_pair(const topology::Fabric& f, topology::Router& router, std::string_view relation) {
  const Placement placement = f.placement();
  if (relation == "same_node") {
    if (placement.gpus_per_node() < 2) return std::nullopt;
    return std::pair{Rank(0), Rank(1)};
  }
  if (relation == "farthest") return farthest(f, router);
  const bool same_leaf = relation == "same_leaf", cross_leaf = relation == "cross_leaf", cross_rail = relation == "cross_rail";
  if (!same_leaf && !cross_leaf && !cross_rail) return std::nullopt;
  if (cross_rail && placement.gpus_per_node() < 2) return std::nullopt;
  // Rail 0 unless it has no path there (a plane that has failed); a pair across rails is handed out even without one.
  const std::uint32_t rails = cross_rail ? 1 : placement.gpus_per_node();
  for (std::uint32_t rail = 0; rail < rails; ++rail) {
    const Place first{NodeId(0), rail};
    const VertexId leaf = leaf_of(f, first);
    for (std::uint32_t n = 1; n < placement.nodes(); ++n) {
      const Place other{NodeId(n), cross_rail ? 1u : rail};
      if ((leaf_of(f, other) == leaf) != same_leaf) continue;
      if (cross_rail || router.reachable(nic_end(first), nic_end(other))) return std::pair{placement.rank(first), placement.rank(other)};
    }
  }
  return std::nullopt;
}

}  // namespace weft::scenarios
