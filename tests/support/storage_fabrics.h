// Fabrics with storage nodes for tests, and their ends.
#pragma once

#include "tests/support/fabrics.h"

namespace weft::testing {

struct StorageAsked {
  std::string node = "threefs_2025";
  std::uint32_t nodes = 1;
  std::string topology = {};    ///< empty: the default
  std::string transport = {};   ///< empty: that of the cluster
};

/// As make_fabric(), with storage nodes. Throws UserError.
inline topology::Fabric make_storage_fabric(const StorageAsked& storage, const std::string& topology, std::uint32_t nodes,
                                            const std::string& node = "h800", const std::string& transport = "ideal",
                                            const std::vector<std::string>& failed = {}) {
  Problems problems;
  const DataPlaces data = DataPlaces::standard();
  const auto named = [](const std::string& text) { return parse_json(text.starts_with("{") ? text : "\"" + text + "\"", ""); };
  const Json node_json = named(node), transport_json = named(transport), store_json = named(storage.node);
  const Json store_transport_json = named(storage.transport.empty() ? transport : storage.transport);
  const auto node_spec = topology::read_node_spec(JsonReader(node_json, "", problems, "/cluster/node"), data);
  const auto wire = topology::read_transport_spec(JsonReader(transport_json, "", problems, "/cluster/transport"), data);
  const auto store = topology::read_storage_spec(JsonReader(store_json, "", problems, "/cluster/storage/node"), data);
  const auto store_wire = topology::read_transport_spec(JsonReader(store_transport_json, "", problems, "/cluster/storage/transport"), data);
  const std::int64_t nics = nodes + std::int64_t{storage.nodes} * store.nics;
  const Json topology_json = parse_json(topology, "");
  const Json store_topology_json = storage.topology.empty() ? topology::default_storage_topology(nics) : parse_json(storage.topology, "");
  const auto t = topology::read_topology(JsonReader(topology_json, "", problems, "/cluster/topology"), {nodes, node_spec.gpus});
  const auto s = topology::read_topology(JsonReader(store_topology_json, "", problems, "/cluster/storage/topology"), {nics, 1});
  problems.throw_if_any();
  return topology::build_fabric(*t, node_spec, wire, nodes, failed, "/cluster/failed", {&store, s.get(), &store_wire, storage.nodes});
}

inline Endpoint host(std::uint32_t node, std::uint32_t local = 0) { return {Endpoint::Kind::host, NodeId(node), local}; }
inline Endpoint storage_nic(std::uint32_t node) { return {Endpoint::Kind::storage_nic, NodeId(node), 0}; }
inline Endpoint ssd(std::uint32_t node, std::uint32_t local = 0) { return {Endpoint::Kind::ssd, NodeId(node), local}; }
inline Endpoint storage_host(std::uint32_t node, std::uint32_t local = 0) { return {Endpoint::Kind::storage_host, NodeId(node), local}; }

}  // namespace weft::testing
