// FabricBuilder: places nodes, takes switches and cables, and hands out the finished Fabric.
#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "topology/fabric.h"
#include "topology/fabric_impl.h"

namespace weft::topology {

namespace {

/// The vertices of one node, in the order of NodeLayout.
void append_node(std::vector<Vertex>& out, const NodeLayout& at, std::uint32_t node) {
  const auto add = [&](VertexKind kind, std::uint32_t local) {
    Vertex v;
    v.kind = kind;
    v.local = static_cast<std::uint16_t>(local);
    v.node = node;
    out.push_back(v);
  };
  for (std::uint32_t g = 0; g < at.gpus; ++g) add(VertexKind::gpu, g);
  if (at.has_nvswitch) add(VertexKind::nvswitch, 0);
  for (std::uint32_t p = 0; p < at.pcie_switches; ++p) add(VertexKind::pcie_switch, p);
  add(VertexKind::host, 0);
  for (std::uint32_t g = 0; g < at.gpus; ++g) add(VertexKind::nic, g);
  if (at.has_storage_nic) add(VertexKind::storage_nic, 0);
}

}  // namespace

FabricBuilder::FabricBuilder(const NodeSpec& spec, const TransportSpec& transport, std::uint32_t nodes)
    : impl_(std::make_unique<Fabric::Impl>(spec, transport)) {
  const NodeLayout& at = impl_->layout;
  impl_->nodes = nodes;
  impl_->nic_uplink.resize(std::size_t{nodes} * at.gpus);
  impl_->vertices.reserve(std::size_t{nodes} * at.stride);
  impl_->links.reserve(std::size_t{nodes} * 2 * at.stride);
  const BytesPerSecond pcie = spec.pcie_rate.value;
  for (std::uint32_t n = 0; n < nodes; ++n) {
    const std::uint32_t base = n * at.stride;
    const VertexId host(base + at.host);
    append_node(impl_->vertices, at, n);
    for (std::uint32_t g = 0; g < at.gpus; ++g) {
      const VertexId gpu(base + g), bus(base + at.pcie + g / spec.nics_per_pcie_switch);
      if (at.has_nvswitch) cable(gpu, VertexId(base + at.nvswitch), spec.nvlink_rate.value, Meters(), CableClass::nvlink);
      cable(gpu, bus, pcie, Meters(), CableClass::pcie);
      // A bus like PCIe to whoever asks for a way between GPU and host, and the shorter one.
      if (const BytesPerSecond own = spec.cpu_link_rate.value; own > BytesPerSecond()) cable(gpu, host, own, Meters(), CableClass::pcie);
      cable(VertexId(base + at.nic + g), bus, pcie, Meters(), CableClass::pcie);
    }
    for (std::uint32_t p = 0; p < at.pcie_switches; ++p) {
      cable(VertexId(base + at.pcie + p), host, pcie, Meters(), CableClass::pcie);
    }
    if (at.has_storage_nic) cable(VertexId(base + at.storage_nic), host, pcie, Meters(), CableClass::pcie);
  }
  impl_->failed.assign(impl_->vertices.size(), false);
}

FabricBuilder::~FabricBuilder() = default;

std::uint32_t FabricBuilder::nodes() const { return impl_->storage ? nics() : impl_->nodes; }
std::uint32_t FabricBuilder::nics_per_node() const { return impl_->storage ? 1 : impl_->layout.gpus; }

std::uint32_t FabricBuilder::nics() const {
  if (impl_->storage) return static_cast<std::uint32_t>(impl_->storage->nic_uplink.size());
  return impl_->nodes * impl_->layout.gpus;
}

LinkId FabricBuilder::cable(VertexId a, VertexId b, BytesPerSecond rate, Meters length, CableClass cable) {
  const LinkId there(static_cast<std::uint32_t>(impl_->links.size())), back(there.value + 1);
  impl_->links.push_back({a, b, back, rate, length, cable, true});
  impl_->links.push_back({b, a, there, rate, length, cable, true});
  return there;
}

VertexId FabricBuilder::add_switch(std::uint8_t tier, std::uint32_t group, std::uint32_t index, std::string name) {
  Vertex v;
  v.kind = VertexKind::net_switch;
  v.tier = tier;
  v.group = group + (impl_->storage ? impl_->storage->first_group : 0);
  v.index = index;
  const VertexId id(static_cast<std::uint32_t>(impl_->vertices.size()));
  impl_->vertices.push_back(v);
  impl_->failed.push_back(false);
  impl_->switch_names.push_back(impl_->storage ? "storage_" + name : std::move(name));
  return id;
}

void FabricBuilder::attach(std::uint32_t nic, VertexId sw) {
  WEFT_CHECK(nic < nics(), fmt::format("NIC {} of {}", nic, nics()));
  if (impl_->storage) return attach_storage(nic, sw);
  WEFT_CHECK(!impl_->nic_uplink[nic].valid(), fmt::format("NIC {} is attached twice", nic));
  const NodeLayout& at = impl_->layout;
  const VertexId v(nic / at.gpus * at.stride + at.nic + nic % at.gpus);
  impl_->nic_uplink[nic] =
      cable(v, sw, impl_->node.nic_rate.value, impl_->transport.endpoint_cable.value, CableClass::endpoint);
}

void FabricBuilder::connect(VertexId a, VertexId b, CableClass cable_class, std::uint32_t parallel) {
  WEFT_CHECK(a != b, "a cable from a switch to itself");
  const TransportSpec& t = impl_->storage ? impl_->storage->transport : impl_->transport;
  const Meters length = cable_class == CableClass::local ? t.local_cable.value : t.long_haul_cable.value;
  // A switch port runs at the rate of a NIC: these fabrics have ports of one speed. Between storage switches it is that of the faster NICs.
  BytesPerSecond rate = impl_->node.nic_rate.value;
  if (impl_->storage) rate = std::max(impl_->node.storage_nic_rate.value, impl_->storage->spec.nic_rate.value);
  for (std::uint32_t i = 0; i < parallel; ++i) cable(a, b, rate, length, cable_class);
}

void FabricBuilder::set_minimal_within_groups(bool on) {
  (impl_->storage ? impl_->storage->minimal_within_groups : impl_->minimal_within_groups) = on;
}

Fabric FabricBuilder::finish() {
  Fabric::Impl& f = *impl_;
  for (Link& l : f.links) {
    if (f.failed[l.from.value] || f.failed[l.to.value]) l.up = false;
  }
  f.out_begin.assign(f.vertices.size() + 1, 0);
  for (const Link& l : f.links) ++f.out_begin[l.from.value + 1];
  for (std::size_t v = 0; v < f.vertices.size(); ++v) f.out_begin[v + 1] += f.out_begin[v];
  f.out.resize(f.links.size());
  std::vector<std::uint32_t> next(f.out_begin.begin(), f.out_begin.end() - 1);
  for (std::uint32_t i = 0; i < f.links.size(); ++i) f.out[next[f.links[i].from.value]++] = LinkId(i);
  return Fabric(std::move(impl_));
}

}  // namespace weft::topology
