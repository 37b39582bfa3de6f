// How a fabric connects: mean switches crossed, mean latency, pairs without a path, components.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"

namespace weft::scenarios {
namespace {

/// Mean over ordered GPU pairs on different nodes. With PXN (NVLink to the GPU on the destination's rail) only the pair's
/// destination rail matters, so each pair counts as NIC j to NIC j; without it NIC i to NIC j.
struct PathMeans {
  double mean_switches = 0;      ///< over reachable pairs
  double mean_latency_us = 0;    ///< over reachable pairs
  double unreachable_pct = 0;
};

/// NICs that no path can tell apart: of one rail, on one switch, all alive or all cut off.
struct NicGroup {
  VertexId leaf;
  bool up = true;
  std::vector<std::uint32_t> nodes;   ///< ascending
};

std::vector<NicGroup> groups_of_rail(const topology::Fabric& fabric, std::uint32_t rail) {
  std::map<std::pair<VertexId, bool>, NicGroup> groups;
  for (std::uint32_t n = 0; n < fabric.placement().nodes(); ++n) {
    const VertexId nic = fabric.vertex_of(nic_end({NodeId(n), rail}));
    const VertexId leaf = fabric.switch_of_nic(nic);
    const bool up = fabric.link(fabric.uplink_of_nic(nic)).up;
    NicGroup& g = groups[{leaf, up}];
    g.leaf = leaf;
    g.up = up;
    g.nodes.push_back(n);
  }
  std::vector<NicGroup> out;
  for (auto& [key, g] : groups) out.push_back(std::move(g));
  return out;
}

/// Ordered pairs (a, d) of different nodes, a from one group and d from the other, and one such pair.
struct NodePairs {
  double count = 0;
  std::uint32_t from = 0, to = 0;
};

NodePairs pairs_between(const NicGroup& a, const NicGroup& d) {
  std::vector<std::uint32_t> both;
  std::set_intersection(a.nodes.begin(), a.nodes.end(), d.nodes.begin(), d.nodes.end(), std::back_inserter(both));
  NodePairs p;
  p.count = static_cast<double>(a.nodes.size()) * static_cast<double>(d.nodes.size()) - static_cast<double>(both.size());
  p.from = a.nodes.front();
  p.to = d.nodes.front() != p.from ? d.nodes.front() : d.nodes.back();
  if (p.from == p.to && p.count > 0) p.from = a.nodes.back();
  return p;
}

PathMeans means_of(const topology::Fabric& fabric, topology::Router& router, bool pxn) {
  const std::uint32_t rails = fabric.placement().gpus_per_node();
  std::vector<std::vector<NicGroup>> groups;
  for (std::uint32_t r = 0; r < rails; ++r) groups.push_back(groups_of_rail(fabric, r));
  std::vector<topology::SubRoute> route;
  double switches = 0, latency = 0, reached = 0, lost = 0;
  const auto visit = [&](std::uint32_t i, const NicGroup& a, std::uint32_t j, const NicGroup& d, double weight) {
    const NodePairs pairs = pairs_between(a, d);
    if (pairs.count == 0) return;
    weight *= pairs.count;
    const Endpoint from = nic_end({NodeId(pairs.from), i}), to = nic_end({NodeId(pairs.to), j});
    if (!router.reachable(from, to)) {
      lost += weight;
      return;
    }
    route.clear();
    router.route(from, to, 0, route);
    reached += weight;
    for (const auto& sub : route) {
      switches += weight * sub.share * sub.mean_switches;
      latency += weight * sub.share * sub.latency.value();
    }
  };
  for (std::uint32_t j = 0; j < rails; ++j) {
    // With PXN only the destination's rail counts: each of the node's GPUs sends by it.
    for (std::uint32_t i = pxn ? j : 0; i < (pxn ? j + 1 : rails); ++i) {
      for (const NicGroup& a : groups[i]) {
        for (const NicGroup& d : groups[j]) visit(i, a, j, d, pxn ? rails : 1);
      }
    }
  }
  PathMeans m;
  if (reached > 0) {
    m.mean_switches = switches / reached;
    m.mean_latency_us = latency / reached * 1e6;
  }
  m.unreachable_pct = reached + lost > 0 ? 100 * lost / (reached + lost) : 0;
  return m;
}

class PathsAnalysis final : public Analysis {
 public:
  explicit PathsAnalysis(bool pxn) : pxn_(pxn) {}

  std::vector<Row> rows(const Cluster& cluster) const override {
    const topology::Fabric& fabric = cluster.fabric();
    if (fabric.placement().nodes() < 2) throw UserError("/cluster/nodes", "paths looks at pairs of nodes; there is only one node", "use 2 nodes or more");
    topology::RoutingSpec spec = cluster.routing();
    spec.policy = topology::Policy::adaptive;
    topology::Router router(fabric, spec);
    const PathMeans m = means_of(fabric, router, pxn_);
    Row r;
    r.set("pxn", pxn_);
    r.set("components", fabric.components());
    r.set("unreachable_pct", m.unreachable_pct);
    if (m.unreachable_pct < 100) r.set("mean_switches", m.mean_switches).set("mean_latency_us", m.mean_latency_us);
    return {r};
  }

  Json resolved() const override { return {{"pxn", pxn_}}; }

 private:
  bool pxn_;
};

}  // namespace

AnalysisKind analysis_paths() {
  AnalysisKind k;
  k.name = "paths";
  k.title = "Paths between GPUs on different nodes";
  k.summary = "Looks at every ordered pair of GPUs on different nodes: how many switches lie between them, which have no path.";
  k.found_by = "routes of all pairs of GPUs";
  k.parameters = {{"pxn", "true (default): a message first moves over NVLink to the GPU on the destination's rail; "
                          "false: it leaves by its own GPU's NIC"}};
  k.label_columns = {{"pxn", "whether NVLink forwarding to the destination's rail is used"}};
  k.columns = {{"components", "connected parts of the scale-out network"},
               {"unreachable_pct", "share of pairs without a path through the network"},
               {"mean_switches", "switches crossed, mean over the pairs that have a path"},
               {"mean_latency_us", "latency of a small message, network part, mean over the same pairs"}};
  k.read = [](JsonReader& where, const AnalysisContext&) { return std::make_unique<PathsAnalysis>(where.boolean_or("pxn", true)); };
  return k;
}

}  // namespace weft::scenarios
