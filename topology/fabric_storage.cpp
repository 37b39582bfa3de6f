// FabricBuilder: places storage nodes and attaches NICs to the network that they have with the other nodes.
#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "topology/fabric.h"
#include "topology/fabric_impl.h"

namespace weft::topology {

void FabricBuilder::begin_storage(const StorageSpec& spec, const TransportSpec& transport, std::uint32_t nodes) {
  Fabric::Impl& f = *impl_;
  WEFT_CHECK(!f.storage && f.layout.has_storage_nic && nodes > 0, "storage nodes need nodes with a storage NIC, and come once");
  StoragePart s;
  s.spec = spec;
  s.transport = transport;
  s.nodes = nodes;
  s.first_vertex = static_cast<std::uint32_t>(f.vertices.size());
  s.first_link = static_cast<std::uint32_t>(f.links.size());
  for (std::uint32_t v = f.first_switch(); v < s.first_vertex; ++v) s.first_group = std::max(s.first_group, f.vertices[v].group + 1);
  s.nic_uplink.resize(std::size_t{f.nodes} + std::size_t{nodes} * spec.nics);
  const auto add = [&](VertexKind kind, std::uint32_t node, std::uint32_t local) {
    Vertex v;
    v.kind = kind;
    v.node = node;
    v.local = static_cast<std::uint16_t>(local);
    f.vertices.push_back(v);
    f.failed.push_back(false);
  };
  for (std::uint32_t n = 0; n < nodes; ++n) {
    add(VertexKind::storage_host, n, 0);
    for (std::uint32_t i = 0; i < spec.nics; ++i) add(VertexKind::storage_node_nic, n, i);
    for (std::uint32_t i = 0; i < spec.ssds; ++i) add(VertexKind::ssd, n, i);
    for (std::uint32_t i = 0; i < spec.nics; ++i) cable(s.nic(n, i), s.host(n), spec.pcie_rate.value, Meters(), CableClass::pcie);
    for (std::uint32_t i = 0; i < spec.ssds; ++i) {
      const LinkId read = cable(s.ssd(n, i), s.host(n), spec.ssd_read.value, Meters(), CableClass::pcie);
      f.links[f.links[read.value].reverse.value].rate = spec.ssd_write.value;
    }
  }
  f.storage = std::move(s);
}

void FabricBuilder::attach_storage(std::uint32_t nic, VertexId sw) {
  Fabric::Impl& f = *impl_;
  StoragePart& s = *f.storage;
  WEFT_CHECK(!s.nic_uplink[nic].valid(), fmt::format("storage NIC {} is attached twice", nic));
  const bool client = nic < f.nodes;
  const std::uint32_t number = nic - f.nodes;   // among the storage nodes' NICs
  const VertexId v = client ? VertexId(nic * f.layout.stride + f.layout.storage_nic) : s.nic(number / s.spec.nics, number % s.spec.nics);
  const BytesPerSecond rate = client ? f.node.storage_nic_rate.value : s.spec.nic_rate.value;
  s.nic_uplink[nic] = cable(v, sw, rate, s.transport.endpoint_cable.value, CableClass::endpoint);
}

}  // namespace weft::topology
