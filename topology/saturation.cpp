#include "topology/saturation.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "topology/saturation_loads.h"

namespace weft::topology {

namespace {

PathFinder finder_of(const Router& router) {
  PathFinder paths(router.fabric());
  const auto links = router.fabric().links();
  std::vector<std::uint8_t> up(links.size());
  for (std::uint32_t l = 0; l < links.size(); ++l) up[l] = router.is_up(LinkId(l)) ? 1 : 0;
  paths.set_all_up(up);
  return paths;
}

/// Loads as the router's path choice says, in line rates.
std::vector<double> loads_of(const Router& router, PathFinder& paths, std::vector<SwitchDemand>& demands) {
  const std::size_t links = router.fabric().links().size();
  const RoutingSpec& spec = router.spec();
  double share = 1;
  if (spec.paths == PathChoice::valiant) share = 0;
  if (spec.paths == PathChoice::ugal) share = spec.ugal_minimal_share;
  std::vector<double> loads(links, 0.0);
  if (share > 0) loads = minimal_loads(paths, demands, links);
  if (share == 1) return loads;
  const std::vector<double> detour = valiant_loads(paths, demands, links);
  for (std::size_t l = 0; l < links; ++l) loads[l] = share * loads[l] + (1 - share) * detour[l];
  return loads;
}

/// From line rates to the links' own rates.
void scale_to_capacity(const Router& router, std::vector<double>& loads) {
  const double line_rate = router.fabric().node_spec().nic_rate.value.value();
  for (std::uint32_t l = 0; l < loads.size(); ++l)
    if (loads[l] > 0) loads[l] *= line_rate / router.capacity(LinkId(l)).value();
}

/// Links that turning all groups by one maps onto each other; empty when the wiring has no such symmetry.
std::vector<std::uint32_t> rotation_classes(const Fabric& fabric, const SwitchGraph& graph) {
  using Shape = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // place from, place to, groups onward
  std::map<Shape, std::uint32_t> known;
  std::vector<std::uint32_t> class_of(fabric.links().size(), no_switch), per_group;
  const std::uint32_t groups = graph.groups();
  if (fabric.has_storage()) return {};   // its switches are groups too
  for (std::uint32_t g = 1; g < groups; ++g) {
    if (graph.members(g).size() != graph.members(0).size()) return {};
    for (std::size_t i = 0; i < graph.members(g).size(); ++i)
      if (graph.nics(graph.members(g)[i]) != graph.nics(graph.members(0)[i])) return {};
  }
  for (std::uint32_t g = 0; g < groups; ++g) {
    std::vector<std::uint32_t> found(known.size(), 0);
    for (SwitchIndex s : graph.members(g)) {
      for (const SwitchGraph::Arc& a : graph.arcs(s)) {
        if (!graph.usable(a.link)) return {};
        const Shape shape{graph.place_in_group(s), graph.place_in_group(a.to), (graph.group(a.to) + groups - g) % groups};
        const auto [at, fresh] = known.emplace(shape, static_cast<std::uint32_t>(known.size()));
        if (fresh && g > 0) return {};
        if (fresh) found.push_back(0);
        class_of[a.link.value] = at->second;
        ++found[at->second];
      }
    }
    if (g == 0) per_group = found;
    if (found != per_group) return {};
  }
  return class_of;
}

/// Given loads by the sources of group 0 alone, those by the sources of all groups.
void turn_around(std::vector<double>& loads, const std::vector<std::uint32_t>& class_of, std::uint32_t groups) {
  std::map<std::uint32_t, std::pair<double, std::uint64_t>> sums;
  for (std::size_t l = 0; l < loads.size(); ++l) {
    if (class_of[l] == no_switch) continue;
    sums[class_of[l]].first += loads[l];
    ++sums[class_of[l]].second;
  }
  // Each group's sources put the class's sum onto the class's links, shifted: every link of it ends with the mean times groups.
  for (std::size_t l = 0; l < loads.size(); ++l) {
    if (class_of[l] == no_switch) continue;
    const auto& [sum, count] = sums[class_of[l]];
    loads[l] = sum * groups / static_cast<double>(count);
  }
}

/// Loads of a pattern that looks alike from every group; `amount(from, to)` is between two switches.
template <class Amount>
std::vector<double> symmetric_loads(const Router& router, const Amount& amount) {
  PathFinder paths = finder_of(router);
  const SwitchGraph& graph = paths.graph();
  std::vector<std::uint32_t> class_of;
  if (router.fabric().minimal_within_groups()) class_of = rotation_classes(router.fabric(), graph);
  std::vector<SwitchDemand> demands;
  for (SwitchIndex from = 0; from < graph.size(); ++from) {
    if (graph.storage(from) || graph.nics(from) == 0 || (!class_of.empty() && graph.group(from) != 0)) continue;
    for (SwitchIndex to = 0; to < graph.size(); ++to) {
      if (to == from || graph.storage(to) || graph.nics(to) == 0) continue;
      const double a = amount(graph, from, to);
      if (a == 0) continue;
      if (!paths.connected(from, to))
        throw UserError("/cluster/topology", "no path from " + router.fabric().name(graph.vertex(from)) + " to " +
                                                 router.fabric().name(graph.vertex(to)));
      demands.push_back({from, to, a});
    }
  }
  std::vector<double> loads = loads_of(router, paths, demands);
  if (!class_of.empty()) turn_around(loads, class_of, graph.groups());
  scale_to_capacity(router, loads);
  return loads;
}

}  // namespace

std::vector<double> link_loads(const Router& router, std::span<const Demand> demands) {
  PathFinder paths = finder_of(router);
  const Fabric& fabric = router.fabric();
  const auto switch_of = [&](const Endpoint& e) {
    const VertexId nic = fabric.vertex_of({Endpoint::Kind::nic, e.node, e.local});
    const VertexId sw = fabric.switch_of_nic(nic);
    if (!sw.valid()) throw UserError("/cluster/topology", fabric.name(nic) + " is attached to no switch");
    return paths.graph().index(sw);
  };
  std::map<std::pair<SwitchIndex, SwitchIndex>, double> sums;
  for (const Demand& d : demands) sums[{switch_of(d.from), switch_of(d.to)}] += d.amount;
  std::vector<SwitchDemand> pairs;
  for (const auto& [ends, amount] : sums) {
    if (!paths.connected(ends.first, ends.second))
      throw UserError("/cluster/topology", "no path from " + fabric.name(paths.graph().vertex(ends.first)) + " to " +
                                               fabric.name(paths.graph().vertex(ends.second)));
    if (ends.first != ends.second) pairs.push_back({ends.first, ends.second, amount});
  }
  std::vector<double> loads = loads_of(router, paths, pairs);
  scale_to_capacity(router, loads);
  return loads;
}

std::vector<double> uniform_link_loads(const Router& router) {
  double nics = 0;
  for (const Vertex& v : router.fabric().vertices()) nics += v.kind == VertexKind::nic;
  return symmetric_loads(router, [nics](const SwitchGraph& g, SwitchIndex from, SwitchIndex to) {
    return static_cast<double>(g.nics(from)) * g.nics(to) / (nics - 1);
  });
}

std::vector<double> group_shift_link_loads(const Router& router, std::uint32_t shift) {
  std::map<std::uint32_t, double> nics;  // by group
  return symmetric_loads(router, [&nics, shift](const SwitchGraph& g, SwitchIndex from, SwitchIndex to) {
    if (g.group(to) != (g.group(from) + shift) % g.network_groups()) return 0.0;
    double& all = nics[g.group(to)];
    if (all == 0)
      for (SwitchIndex s : g.members(g.group(to))) all += g.nics(s);
    return static_cast<double>(g.nics(from)) * g.nics(to) / all;
  });
}

double saturation(std::span<const double> loads) {
  const double most = loads.empty() ? 0.0 : *std::max_element(loads.begin(), loads.end());
  return most > 0 ? 1 / most : std::numeric_limits<double>::infinity();
}

double balanced_saturation(const Router& router, std::span<const double> loads) {
  const Fabric& fabric = router.fabric();
  double sum = 0;
  std::int64_t cables = 0;
  for (std::uint32_t l = 0; l < loads.size(); ++l) {
    const Link& link = fabric.link(LinkId(l));
    const bool between_switches = fabric.vertex(link.from).kind == VertexKind::net_switch &&
                                  fabric.vertex(link.to).kind == VertexKind::net_switch;
    if (!between_switches || !router.is_up(LinkId(l))) continue;
    sum += loads[l];
    ++cables;
  }
  return sum > 0 ? static_cast<double>(cables) / sum : std::numeric_limits<double>::infinity();
}

double saturation(const Router& router, std::span<const Demand> demands) { return saturation(link_loads(router, demands)); }

}  // namespace weft::topology
