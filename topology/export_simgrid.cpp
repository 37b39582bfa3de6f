#include "topology/export_simgrid.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "topology/router.h"

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
  if (l.cable == CableClass::nvlink) seconds += f.node_spec().nvlink_store_latency.value.value() / 2;
  return seconds;
}

/// The links of weft's own route under static routing, in the order in which they are crossed; empty when there is none.
std::vector<LinkId> route(Router& router, Place from, Place to) {
  if (!router.reachable(gpu_end(from), gpu_end(to))) return {};
  std::vector<SubRoute> routes;
  router.route(gpu_end(from), gpu_end(to), 0, routes);
  WEFT_CHECK(routes.size() == 1, "a static route is one path");
  std::vector<LinkId> crossed, path;
  for (std::uint32_t i = 0; i < routes[0].segment_count; ++i) {
    for (const Hop& h : router.segment(routes[0].segments[i])) crossed.push_back(h.link);
  }
  const Fabric& f = router.fabric();
  VertexId at = f.vertex_of(gpu_end(from));
  while (path.size() < crossed.size()) {  // a minimal path leaves each vertex once
    const auto next = std::find_if(crossed.begin(), crossed.end(), [&](LinkId l) { return f.link(l).from == at; });
    WEFT_CHECK(next != crossed.end(), "the links of a route do not follow each other");
    path.push_back(*next);
    at = f.link(*next).to;
  }
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
    if (l.up && !f.in_storage_network(LinkId(i))) xml += fmt::format("    <link id=\"{}\" bandwidth=\"{}Bps\" latency=\"{}s\"/>\n", f.name(LinkId(i)), l.rate.value(), latency_of(f, l));
  }
  Router router(f, {.policy = Policy::static_dmodk});
  for (std::uint32_t r = 0; r < ranks.ranks(); ++r) {
    for (std::uint32_t s = 0; s < ranks.ranks(); ++s) {
      if (r == s) continue;
      const Place a = ranks.place(Rank(r)), b = ranks.place(Rank(s));
      const std::string from = f.name(f.vertex_of(gpu_end(a))), to = f.name(f.vertex_of(gpu_end(b)));
      const auto path = route(router, a, b);
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
