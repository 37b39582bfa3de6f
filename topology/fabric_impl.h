// What is inside a Fabric: arrays of vertices and links, the layout of a node, and the names of switches.
#pragma once

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

struct Fabric::Impl {
  NodeSpec node;
  TransportSpec transport;
  NodeLayout layout;
  std::uint32_t nodes = 0;
  bool minimal_within_groups = false;
  std::vector<Vertex> vertices;            ///< node by node, then the switches in order of building
  std::vector<Link> links;                 ///< a cable's two directions are neighbours: 2i and 2i + 1
  std::vector<bool> failed;                ///< per vertex
  std::vector<std::string> switch_names;   ///< of vertices[nodes * layout.stride + i]
  std::vector<LinkId> nic_uplink;          ///< per NIC (node * gpus + local); invalid when not attached
  std::vector<std::uint32_t> out_begin;    ///< compressed rows: out[out_begin[v] .. out_begin[v + 1])
  std::vector<LinkId> out;

  Impl(const NodeSpec& spec, const TransportSpec& t) : node(spec), transport(t), layout(spec) {}
  std::uint32_t first_switch() const { return nodes * layout.stride; }
};

/// "node12.nic5" for a vertex inside a node.
std::string in_node_name(const Vertex& v);

}  // namespace weft::topology
