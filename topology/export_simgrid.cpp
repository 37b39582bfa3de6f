#include "topology/export_simgrid.h"

#include <deque>
#include <vector>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::topology {

namespace {

constexpr std::uint32_t max_endpoints = 64;  // a full routing table grows with the square

double latency_of(const Fabric& f, const Link& l) {
  const TransportSpec& t = f.transport();
  double seconds = (l.length * t.cable_latency.value).value();
  const VertexKind from = f.vertex(l.from).kind, to = f.vertex(l.to).kind;
  if (from == VertexKind::net_switch) seconds += t.switch_latency.value.value();
  if (from == VertexKind::nic && to == VertexKind::pcie_switch) seconds += t.endpoint_latency.value.value() / 2;
  if (from == VertexKind::pcie_switch && to == VertexKind::nic) seconds += t.endpoint_latency.value.value() / 2;
  if (l.cable == CableClass::nvlink) seconds += f.node_spec().nvlink_latency.value.value() / 2;
  return seconds;
}

/// Hops from every vertex to `goal` over live links between vertices that `keep` accepts; -1 where there is no path.
template <class Keep>
std::vector<int> hops_to(const Fabric& f, VertexId goal, Keep keep) {
  std::vector<int> hops(f.vertices().size(), -1);
  std::deque<VertexId> queue{goal};
  hops[goal.value] = 0;
  while (!queue.empty()) {
    const VertexId v = queue.front();
    queue.pop_front();
    for (LinkId out : f.out_links(v)) {
      const Link& back = f.link(f.link(out).reverse);
      if (!back.up || hops[back.from.value] >= 0 || !keep(back.from)) continue;
      hops[back.from.value] = hops[v.value] + 1;
      queue.push_back(back.from);
    }
  }
  return hops;
}

/// A shortest walk down `hops`; among equals the one that `choice` says, hop by hop. Empty when there is none.
std::vector<LinkId> walk(const Fabric& f, VertexId from, const std::vector<int>& hops, std::uint32_t choice) {
  std::vector<LinkId> path;
  if (hops[from.value] < 0) return path;
  for (VertexId v = from; hops[v.value] > 0; v = f.link(path.back()).to) {
    std::vector<LinkId> nearer;
    for (LinkId l : f.out_links(v)) {
      const Link& link = f.link(l);
      if (link.up && hops[link.to.value] == hops[v.value] - 1) nearer.push_back(l);
    }
    path.push_back(nearer[choice % nearer.size()]);
  }
  return path;
}

/// Inside a node: NVLink, or PCIe where there is none. Elsewhere: own NIC, network, the other's NIC.
std::vector<LinkId> route(const Fabric& f, Place from, Place to, std::uint32_t choice) {
  const VertexId a = f.vertex_of(gpu_end(from)), b = f.vertex_of(gpu_end(to));
  if (from.node == to.node) {
    const bool nvlink = f.node_spec().nvlink_rate.value.value() > 0;
    const auto inside = [&](VertexId v) {
      const VertexKind k = f.vertex(v).kind;
      if (v == a) return true;
      return f.vertex(v).node == from.node.value &&
             (nvlink ? k == VertexKind::nvswitch : k == VertexKind::pcie_switch || k == VertexKind::host);
    };
    return walk(f, a, hops_to(f, b, inside), 0);
  }
  const VertexId own = f.vertex_of(nic_end(from)), other = f.vertex_of(nic_end(to));
  const auto in_network = [&](VertexId v) { return v == own || f.vertex(v).kind == VertexKind::net_switch; };
  const auto on_bus = [&](VertexId v) { return f.vertex(v).kind == VertexKind::pcie_switch || v == a || v == other; };
  std::vector<LinkId> path = walk(f, a, hops_to(f, own, on_bus), 0);
  const auto network = walk(f, own, hops_to(f, other, in_network), choice);
  const auto last = walk(f, other, hops_to(f, b, on_bus), 0);
  if (path.empty() || network.empty() || last.empty()) return {};
  path.insert(path.end(), network.begin(), network.end());
  path.insert(path.end(), last.begin(), last.end());
  return path;
}

}  // namespace

std::string simgrid_platform(const Fabric& f) {
  const Placement ranks = f.placement();
  if (ranks.ranks() > max_endpoints) {
    throw UserError("--format", fmt::format("simgrid-xml lists a route for each pair, {} endpoints are more than {}", ranks.ranks(), max_endpoints),
                    "export fewer nodes, or use graphml or dot");
  }
  std::string xml =
      "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
      "<platform version=\"4.1\">\n  <zone id=\"weft\" routing=\"Full\">\n";
  for (std::uint32_t r = 0; r < ranks.ranks(); ++r) {
    // weft does not simulate instructions: the speed is there because the format wants one.
    xml += fmt::format("    <host id=\"{}\" speed=\"1f\"/>\n", f.name(f.vertex_of(gpu_end(ranks.place(Rank(r))))));
  }
  for (std::uint32_t i = 0; i < f.links().size(); ++i) {
    const Link& l = f.links()[i];
    if (l.up) xml += fmt::format("    <link id=\"{}\" bandwidth=\"{}Bps\" latency=\"{}s\"/>\n", f.name(LinkId(i)), l.rate.value(), latency_of(f, l));
  }
  for (std::uint32_t r = 0; r < ranks.ranks(); ++r) {
    for (std::uint32_t s = 0; s < ranks.ranks(); ++s) {
      if (r == s) continue;
      const Place a = ranks.place(Rank(r)), b = ranks.place(Rank(s));
      const std::string from = f.name(f.vertex_of(gpu_end(a))), to = f.name(f.vertex_of(gpu_end(b)));
      const auto path = route(f, a, b, s);
      if (path.empty()) {
        xml += fmt::format("    <!-- no path from {} to {} -->\n", from, to);
        continue;
      }
      xml += fmt::format("    <route src=\"{}\" dst=\"{}\" symmetrical=\"NO\">", from, to);
      for (LinkId l : path) xml += fmt::format("<link_ctn id=\"{}\"/>", f.name(l));
      xml += "</route>\n";
    }
  }
  return xml + "  </zone>\n</platform>\n";
}

}  // namespace weft::topology
