// Fabrics and routes for tests: built from the JSON of a topology, with the data files that users get.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "topology/router.h"
#include "topology/topology.h"

namespace weft::testing {

/// `topology` as in a scenario, under `nodes` nodes; names of data files, or objects, for the rest. Throws UserError.
inline topology::Fabric make_fabric(const std::string& topology, std::uint32_t nodes, const std::string& node = "h800",
                                    const std::string& transport = "ideal", const std::vector<std::string>& failed = {}) {
  Problems problems;
  const DataPlaces data = DataPlaces::standard();
  const auto named = [](const std::string& text) { return parse_json(text.starts_with("{") ? text : "\"" + text + "\"", ""); };
  const Json node_json = named(node), transport_json = named(transport);
  const Json topology_json = parse_json(topology, "");
  const auto node_spec = topology::read_node_spec(JsonReader(node_json, "", problems, "/cluster/node"), data);
  const auto transport_spec = topology::read_transport_spec(JsonReader(transport_json, "", problems, "/cluster/transport"), data);
  const auto t = topology::read_topology(JsonReader(topology_json, "", problems, "/cluster/topology"), {nodes, node_spec.gpus});
  problems.throw_if_any();
  return topology::build_fabric(*t, node_spec, transport_spec, nodes, failed, "/cluster/failed");
}

inline Endpoint gpu(std::uint32_t node, std::uint32_t local = 0) { return {Endpoint::Kind::gpu, NodeId(node), local}; }
inline Endpoint nic(std::uint32_t node, std::uint32_t local = 0) { return {Endpoint::Kind::nic, NodeId(node), local}; }

inline std::vector<topology::SubRoute> routes(topology::Router& r, const Endpoint& from, const Endpoint& to,
                                              std::uint64_t flow_key = 0) {
  std::vector<topology::SubRoute> out;
  r.route(from, to, flow_key, out);
  return out;
}

/// Bytes per payload byte on every link of a sub-route (its own share left out).
inline std::map<LinkId, double> hops_of(const topology::Router& r, const topology::SubRoute& route) {
  std::map<LinkId, double> sum;
  for (std::uint32_t i = 0; i < route.segment_count; ++i)
    for (const topology::Hop& h : r.segment(route.segments[i])) sum[h.link] += h.share;
  return sum;
}

/// The link with this name; fails the test by throwing when there is none.
inline LinkId link_named(const topology::Fabric& f, std::string_view name) {
  for (std::uint32_t l = 0; l < f.links().size(); ++l)
    if (f.name(LinkId(l)) == name) return LinkId(l);
  throw std::runtime_error("no link " + std::string(name));
}

/// The vertex with this name.
inline VertexId vertex_named(const topology::Fabric& f, std::string_view name) {
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v)
    if (f.name(VertexId(v)) == name) return VertexId(v);
  throw std::runtime_error("no vertex " + std::string(name));
}

/// Takes every cable of a vertex down.
inline void take_down(topology::Router& r, VertexId v) {
  for (LinkId l : r.fabric().out_links(v)) {
    r.set_up(l, false);
    r.set_up(r.fabric().link(l).reverse, false);
  }
}

}  // namespace weft::testing
