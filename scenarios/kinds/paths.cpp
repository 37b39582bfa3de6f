// How a fabric connects: mean switches crossed, pairs without a path, components, bisection, diameter.
#include <cmath>
#include <map>

#include <fmt/format.h>
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

PathMeans means_of(const topology::Fabric& fabric, topology::Router& router, bool pxn) {
  const Placement placement = fabric.placement();
  // Pairs of (leaf, leaf) are few; a route between NICs depends on its leaves only (equal cables), so one route each.
  std::map<std::pair<VertexId, VertexId>, std::pair<double, double>> known;  // (switches, latency); switches < 0: no path
  std::vector<topology::SubRoute> route;
  double switches = 0, latency = 0, reached = 0, lost = 0;
  const auto leaf = [&](Place p) { return fabric.switch_of_nic(fabric.vertex_of(nic_end(p))); };
  const auto visit = [&](Place from, Place to, double weight) {
    auto [it, fresh] = known.try_emplace({leaf(from), leaf(to)});
    if (fresh) {
      it->second = {-1, 0};
      if (router.reachable(nic_end(from), nic_end(to))) {
        route.clear();
        router.route(nic_end(from), nic_end(to), 0, route);
        double s = 0, l = 0;
        for (const auto& sub : route) {
          s += sub.share * sub.mean_switches;
          l += sub.share * sub.latency.value();
        }
        it->second = {s, l};
      }
    }
    if (it->second.first < 0) {
      lost += weight;
    } else {
      reached += weight;
      switches += weight * it->second.first;
      latency += weight * it->second.second;
    }
  };
  for (std::uint32_t a = 0; a < placement.nodes(); ++a) {
    for (std::uint32_t d = 0; d < placement.nodes(); ++d) {
      if (a == d) continue;
      for (std::uint32_t j = 0; j < placement.gpus_per_node(); ++j) {
        if (pxn) {
          visit({NodeId(a), j}, {NodeId(d), j}, placement.gpus_per_node());
        } else {
          for (std::uint32_t i = 0; i < placement.gpus_per_node(); ++i) visit({NodeId(a), i}, {NodeId(d), j}, 1);
        }
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

/// Bandwidth per direction that the scale-out network offers between GPUs 0..n/2-1 and n/2..n-1 of all nodes: the NICs of
/// one half, as far as their switches reach the other half's; exact for the non-blocking trees, an upper bound elsewhere.
double index_bisection_TBps(const topology::Fabric& fabric, topology::Router& router) {
  const Placement p = fabric.placement();
  const std::uint32_t half = p.gpus_per_node() / 2;
  const std::uint32_t other_node = p.nodes() > 1 ? 1 : 0;
  double sum = 0;
  for (std::uint32_t i = 0; i < half; ++i) {
    bool crosses = false;
    for (std::uint32_t j = half; j < p.gpus_per_node() && !crosses; ++j) {
      crosses = router.reachable(nic_end({NodeId(0), i}), nic_end({NodeId(other_node), j}));
    }
    if (crosses) sum += fabric.node_spec().nic_rate.value.value() * p.nodes();
  }
  return sum / 1e12;
}

class PathsAnalysis final : public Analysis {
 public:
  explicit PathsAnalysis(bool pxn) : pxn_(pxn) {}

  std::vector<Row> rows(const Cluster& cluster) const override {
    const topology::Fabric& fabric = cluster.fabric();
    if (fabric.placement().nodes() > 4096) {
      throw UserError("/cluster/nodes", fmt::format("paths looks at every pair of nodes; {} nodes are too many (4,096 at most)",
                                                    fabric.placement().nodes()));
    }
    topology::RoutingSpec spec = cluster.routing();
    spec.policy = topology::Policy::adaptive;
    topology::Router router(fabric, spec);
    const PathMeans m = means_of(fabric, router, pxn_);
    Row r;
    r.set("pxn", pxn_);
    r.set("components", fabric.components());
    r.set("unreachable_pct", m.unreachable_pct);
    r.set("mean_switches", m.mean_switches).set("mean_latency_us", m.mean_latency_us);
    r.set("node_bisection_TBps", cluster.nodes() / 2 * cluster.node().gpus * cluster.node().nic_rate.value.value() / 1e12);
    r.set("index_bisection_TBps", index_bisection_TBps(fabric, router));
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
  k.parameters = {{"pxn", "true (default): a message first moves over NVLink to the GPU on the destination's rail; "
                          "false: it leaves by its own GPU's NIC"}};
  k.label_columns = {{"pxn", "whether NVLink forwarding to the destination's rail is used"}};
  k.columns = {{"components", "connected parts of the scale-out network"},
               {"unreachable_pct", "share of pairs without a path through the network"},
               {"mean_switches", "switches crossed, mean over the pairs that have a path"},
               {"mean_latency_us", "latency of a small message, network part, mean over the same pairs"},
               {"node_bisection_TBps", "NIC bandwidth per direction between two halves of the nodes (non-blocking network)"},
               {"index_bisection_TBps", "network bandwidth per direction between GPUs of low and of high local index, without NVLink"}};
  k.read = [](JsonReader& where) { return std::make_unique<PathsAnalysis>(where.boolean_or("pxn", true)); };
  return k;
}

}  // namespace weft::scenarios
