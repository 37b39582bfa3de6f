// Fabric: looking things up in what FabricBuilder made.
#include "topology/fabric.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "topology/fabric_impl.h"

namespace weft::topology {

NodeLayout::NodeLayout(const NodeSpec& spec) {
  gpus = spec.gpus;
  has_nvswitch = spec.nvlink_rate.value.value() > 0;
  has_storage_nic = spec.storage_nic_rate.value.value() > 0;
  pcie_switches = (spec.gpus + spec.nics_per_pcie_switch - 1) / spec.nics_per_pcie_switch;
  nvswitch = gpus;
  pcie = nvswitch + (has_nvswitch ? 1 : 0);
  host = pcie + pcie_switches;
  nic = host + 1;
  storage_nic = nic + gpus;
  stride = storage_nic + (has_storage_nic ? 1 : 0);
}

std::string in_node_name(const Vertex& v) {
  switch (v.kind) {
    case VertexKind::gpu: return fmt::format("node{}.gpu{}", v.node, v.local);
    case VertexKind::nvswitch: return fmt::format("node{}.nvswitch", v.node);
    case VertexKind::pcie_switch: return fmt::format("node{}.pcie{}", v.node, v.local);
    case VertexKind::host: return fmt::format("node{}.host", v.node);
    case VertexKind::nic: return fmt::format("node{}.nic{}", v.node, v.local);
    case VertexKind::storage_nic: return fmt::format("node{}.storage_nic", v.node);
    case VertexKind::storage_host: return fmt::format("storage{}.host", v.node);
    case VertexKind::storage_node_nic: return fmt::format("storage{}.nic{}", v.node, v.local);
    case VertexKind::ssd: return fmt::format("storage{}.ssd{}", v.node, v.local);
    case VertexKind::net_switch: break;
  }
  WEFT_CHECK(false, "a network switch is in no node");
  return {};
}

Fabric::Fabric(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Fabric::Fabric(Fabric&&) noexcept = default;
Fabric& Fabric::operator=(Fabric&&) noexcept = default;
Fabric::~Fabric() = default;

const NodeSpec& Fabric::node_spec() const { return impl_->node; }
const TransportSpec& Fabric::transport() const { return impl_->transport; }
Placement Fabric::placement() const { return Placement(impl_->nodes, impl_->layout.gpus); }
bool Fabric::minimal_within_groups() const { return impl_->minimal_within_groups; }
bool Fabric::storage_minimal_within_groups() const { return impl_->storage && impl_->storage->minimal_within_groups; }
std::uint32_t Fabric::storage_nodes() const { return impl_->storage ? impl_->storage->nodes : 0; }
bool Fabric::in_storage_network(VertexId v) const { return impl_->storage && v.value >= impl_->storage->first_vertex; }
bool Fabric::in_storage_network(LinkId l) const { return impl_->storage && l.value >= impl_->storage->first_link; }
const TransportSpec& Fabric::transport(LinkId l) const { return in_storage_network(l) ? impl_->storage->transport : impl_->transport; }

const StorageSpec& Fabric::storage_spec() const {
  WEFT_CHECK(has_storage(), "this fabric has no storage nodes");
  return impl_->storage->spec;
}

std::span<const Vertex> Fabric::vertices() const { return impl_->vertices; }
std::span<const Link> Fabric::links() const { return impl_->links; }

std::span<const LinkId> Fabric::out_links(VertexId v) const {
  const auto begin = impl_->out_begin[v.value];
  return std::span(impl_->out).subspan(begin, impl_->out_begin[v.value + 1] - begin);
}

VertexId Fabric::vertex_of(const Endpoint& e) const {
  if (in_storage_node(e)) {
    const bool ssd = e.kind == Endpoint::Kind::ssd;
    const bool exists = e.node.value < storage_nodes() && e.local < (ssd ? storage_spec().ssds : storage_spec().nics);
    WEFT_CHECK(exists, "no such endpoint in the storage nodes of this fabric");
    return ssd ? impl_->storage->ssd(e.node.value, e.local) : impl_->storage->host(e.node.value);
  }
  const NodeLayout& at = impl_->layout;
  const std::uint32_t base = e.node.value * at.stride;
  WEFT_CHECK(e.node.value < impl_->nodes && e.local < at.gpus, "no such endpoint in this fabric");
  switch (e.kind) {
    case Endpoint::Kind::gpu: return VertexId(base + e.local);
    case Endpoint::Kind::nic: return VertexId(base + at.nic + e.local);
    case Endpoint::Kind::host: return VertexId(base + at.host);
    case Endpoint::Kind::nic_switch: return switch_of_nic(VertexId(base + at.nic + e.local));
    case Endpoint::Kind::storage_nic:
    case Endpoint::Kind::ssd:
    case Endpoint::Kind::storage_host: break;
  }
  WEFT_CHECK(at.has_storage_nic, "this kind of node has no storage NIC");
  return VertexId(base + at.storage_nic);
}

LinkId Fabric::uplink_of_nic(VertexId nic) const {
  const Vertex& v = vertex(nic);
  if (v.kind == VertexKind::storage_nic) return has_storage() ? impl_->storage->nic_uplink[v.node] : LinkId();
  if (v.kind == VertexKind::storage_node_nic) return impl_->storage->nic_uplink[impl_->nodes + v.node * storage_spec().nics + v.local];
  WEFT_CHECK(v.kind == VertexKind::nic, "uplink of something that is no NIC");
  return impl_->nic_uplink[v.node * impl_->layout.gpus + v.local];
}

VertexId Fabric::switch_of_nic(VertexId nic) const {
  const LinkId up = uplink_of_nic(nic);
  return up.valid() ? link(up).to : VertexId();
}

std::string Fabric::name(VertexId v) const {
  if (vertex(v).kind != VertexKind::net_switch) return in_node_name(vertex(v));
  return impl_->switch_names[impl_->switch_number(v)];
}

std::string Fabric::name(LinkId l) const {
  // A cable is numbered among the parallel ones in the direction in which it was laid, so both directions agree.
  const LinkId laid(l.value & ~1u);
  std::uint32_t before = 0, all = 0;
  for (LinkId other : out_links(link(laid).from)) {
    if (link(other).to != link(laid).to) continue;
    ++all;
    if (other < laid) ++before;
  }
  std::string text = fmt::format("{}-{}", name(link(l).from), name(link(l).to));
  return all > 1 ? fmt::format("{}#{}", text, before) : text;
}

Counts Fabric::count() const {
  Counts c = count_links(0, impl_->storage ? impl_->storage->first_link : impl_->links.size());
  c.switches = impl_->network_switches();
  return c;
}

Counts Fabric::count_storage() const {
  if (!impl_->storage) return {};
  Counts c = count_links(impl_->storage->first_link, impl_->links.size());
  c.switches = static_cast<std::int64_t>(impl_->switch_names.size()) - impl_->network_switches();
  return c;
}

Counts Fabric::count_links(std::size_t begin, std::size_t end) const {
  Counts c;
  std::vector<std::int64_t> ports(impl_->switch_names.size(), 0);
  const auto use_port = [&](VertexId v) {
    const auto used = ++ports[impl_->switch_number(v)];
    c.max_ports_used = std::max(c.max_ports_used, used);
  };
  for (std::size_t i = begin; i < end; i += 2) {
    const Link& l = impl_->links[i];
    if (vertex(l.to).kind != VertexKind::net_switch) continue;  // laid from NIC to switch, so this one is inside a node
    use_port(l.to);
    if (vertex(l.from).kind == VertexKind::net_switch) {
      use_port(l.from);
      ++c.switch_links;
      if (l.cable == CableClass::local) ++c.local_links;
    } else {
      ++c.host_links;
    }
  }
  c.endpoints = c.host_links;
  return c;
}

}  // namespace weft::topology
