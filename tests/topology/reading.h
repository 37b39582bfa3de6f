// Reading and building topologies for tests, from the JSON that a user would write.
#pragma once

#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "topology/topology.h"

namespace weft::testing {

struct Reading {
  std::unique_ptr<topology::Topology> topology;  ///< null when there are problems
  Problems problems;
};

/// Reads as from scenario.json at /cluster/topology.
inline Reading read(const Json& json, std::int64_t nodes, std::uint32_t nics_per_node = 8) {
  Reading r;
  r.topology = topology::read_topology(JsonReader(json, "scenario.json", r.problems, "/cluster/topology"), {nodes, nics_per_node});
  return r;
}

inline Reading read_text(const std::string& text, std::int64_t nodes, std::uint32_t nics_per_node = 8) {
  return read(parse_json(text, "scenario.json"), nodes, nics_per_node);
}

/// By formula; throws when the text is refused.
inline topology::Counts counts(const std::string& text, std::int64_t nodes, std::uint32_t nics_per_node = 8) {
  const Reading r = read_text(text, nodes, nics_per_node);
  r.problems.throw_if_any();
  return r.topology->count();
}

inline topology::NodeSpec node_of(const Json& json) {
  Problems problems;
  auto spec = topology::read_node_spec(JsonReader(json, "scenario.json", problems, "/cluster/node"), DataPlaces::standard());
  problems.throw_if_any();
  return spec;
}

/// A node of `gpus` GPU-NIC pairs without NVLink.
inline topology::NodeSpec plain_node(std::uint32_t gpus) { return node_of(Json{{"extends", "endpoint"}, {"gpus", gpus}}); }

inline topology::TransportSpec transport_of(const Json& json) {
  Problems problems;
  auto spec = topology::read_transport_spec(JsonReader(json, "scenario.json", problems, "/cluster/transport"), DataPlaces::standard());
  problems.throw_if_any();
  return spec;
}

/// The number of cables between two vertices.
inline std::uint32_t parallel(const topology::Fabric& f, VertexId a, VertexId b) {
  std::uint32_t n = 0;
  for (LinkId l : f.out_links(a)) n += f.link(l).to == b ? 1 : 0;
  return n;
}

}  // namespace weft::testing
