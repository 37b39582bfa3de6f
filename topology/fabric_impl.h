// What is inside a Fabric: arrays of vertices and links, the layout of a node, and the names of switches.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "topology/fabric.h"

namespace weft::topology {

/// Offsets of a node's vertices from its first one; the same in every node.
struct NodeLayout {
  std::uint32_t gpus = 0;
  std::uint32_t pcie_switches = 0;
  bool has_nvswitch = false;
  bool has_storage_nic = false;
  std::uint32_t nvswitch = 0, pcie = 0, host = 0, nic = 0, storage_nic = 0;
  std::uint32_t stride = 0;  ///< vertices per node

  explicit NodeLayout(const NodeSpec& spec);
};

/// The storage nodes and where their parts stand among those of the fabric; in a node the host comes first, then NICs, then SSDs.
struct StoragePart {
  StorageSpec spec;
  TransportSpec transport;
  std::uint32_t nodes = 0;
  std::uint32_t first_vertex = 0, first_link = 0, first_group = 0;
  bool minimal_within_groups = false;
  std::vector<LinkId> nic_uplink;          ///< of the nodes' storage NICs, then per NIC (node * nics + local)

  std::uint32_t stride() const { return 1 + spec.nics + spec.ssds; }
  std::uint32_t first_switch() const { return first_vertex + nodes * stride(); }
  VertexId host(std::uint32_t node) const { return VertexId(first_vertex + node * stride()); }
  VertexId nic(std::uint32_t node, std::uint32_t local) const { return VertexId(host(node).value + 1 + local); }
  VertexId ssd(std::uint32_t node, std::uint32_t local) const { return VertexId(host(node).value + 1 + spec.nics + local); }
};

struct Fabric::Impl {
  NodeSpec node;
  TransportSpec transport;
  NodeLayout layout;
  std::uint32_t nodes = 0;
  bool minimal_within_groups = false;
  std::vector<Vertex> vertices;            ///< node by node, then the switches in order of building; storage nodes and their switches behind
  std::vector<Link> links;                 ///< a cable's two directions are neighbours: 2i and 2i + 1
  std::vector<bool> failed;                ///< per vertex
  std::vector<std::string> switch_names;   ///< of switch_vertex(i)
  std::vector<LinkId> nic_uplink;          ///< per NIC (node * gpus + local); invalid when not attached
  std::vector<std::uint32_t> out_begin;    ///< compressed rows: out[out_begin[v] .. out_begin[v + 1])
  std::vector<LinkId> out;
  std::optional<StoragePart> storage;

  Impl(const NodeSpec& spec, const TransportSpec& t) : node(spec), transport(t), layout(spec) {}
  std::uint32_t first_switch() const { return nodes * layout.stride; }
  /// Switches of the scale-out network, which come first.
  std::uint32_t network_switches() const {
    return storage ? storage->first_vertex - first_switch() : static_cast<std::uint32_t>(switch_names.size());
  }
  VertexId switch_vertex(std::uint32_t i) const {
    return VertexId(i < network_switches() ? first_switch() + i : storage->first_switch() + i - network_switches());
  }
  std::uint32_t switch_number(VertexId v) const {
    return v.value - first_switch() < network_switches() ? v.value - first_switch() : v.value - storage->first_switch() + network_switches();
  }
};

/// "node12.nic5" for a vertex inside a node.
std::string in_node_name(const Vertex& v);

}  // namespace weft::topology
