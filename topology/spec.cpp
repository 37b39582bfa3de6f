// Reading nodes and transports from their data files, and listing their constants.
#include "topology/spec.h"

#include <fmt/format.h>

#include "sim/core/named_object.h"

namespace weft::topology {

namespace {

constexpr std::uint32_t max_gpus = 256;  // per node; a local index is 16 bits wide

std::string text_of(Bytes v) { return to_text(v); }
std::string text_of(Seconds v) { return to_text(v); }
std::string text_of(BytesPerSecond v) { return to_text(v); }
std::string text_of(Meters v) { return fmt::format("{} m", v.value()); }
std::string text_of(SecondsPerMeter v) { return fmt::format("{:g} ns/m", v.value() * 1e9); }

template <class Q>
void append(std::vector<ConstantUsed>& out, const std::string& owner, const char* name, const Sourced<Q>& c) {
  if (c.source.empty() && c.value.value() == 0) return;  // left out of the file
  out.push_back({owner + ": " + name, text_of(c.value), c.origin, c.source});
}

}  // namespace

double TransportSpec::wire_efficiency() const {
  const Bytes packet = mtu.value + header.value;
  return packet.value() > 0 ? mtu.value / packet : 1.0;
}

NodeSpec read_node_spec(JsonReader where, const DataPlaces& data) {
  NodeSpec n;
  auto found = read_named_object(where, data, "topology/data/nodes", "a node");
  if (!found) return n;
  JsonReader& r = found->reader;
  n.name = found->name;
  n.title = r.string("title", n.name);
  n.gpus = static_cast<std::uint32_t>(r.integer("gpus", 1, max_gpus));
  n.nvlink_rate = optional_constant<BytesPerSecond>(r, "nvlink_rate");
  n.nvlink_latency = optional_constant<Seconds>(r, "nvlink_latency");
  n.nvlink_store_latency = optional_constant<Seconds>(r, "nvlink_store_latency");
  n.pcie_rate = r.sourced<BytesPerSecond>("pcie_rate");
  n.cpu_link_rate = optional_constant<BytesPerSecond>(r, "cpu_link_rate");
  n.nic_rate = r.sourced<BytesPerSecond>("nic_rate");
  n.storage_nic_rate = optional_constant<BytesPerSecond>(r, "storage_nic_rate");
  n.nics_per_pcie_switch = static_cast<std::uint32_t>(r.integer_or("nics_per_pcie_switch", 1, 1, max_gpus));
  r.done();
  return n;
}

TransportSpec read_transport_spec(JsonReader where, const DataPlaces& data) {
  TransportSpec t;
  auto found = read_named_object(where, data, "topology/data/transports", "a transport");
  if (!found) return t;
  JsonReader& r = found->reader;
  t.name = found->name;
  t.title = r.string("title", t.name);
  t.endpoint_latency = r.sourced<Seconds>("endpoint_latency", Origin::assumed, false);
  t.switch_latency = r.sourced<Seconds>("switch_latency", Origin::assumed, false);
  t.cable_latency = r.sourced<SecondsPerMeter>("cable_latency", Origin::assumed, false);
  t.adaptive_hop_latency = optional_constant<Seconds>(r, "adaptive_hop_latency");
  t.header = r.sourced<Bytes>("header", Origin::assumed, false);
  t.mtu = r.sourced<Bytes>("mtu");
  t.endpoint_cable = r.sourced<Meters>("endpoint_cable", Origin::assumed, false);
  t.long_haul_cable = r.sourced<Meters>("long_haul_cable", Origin::assumed, false);
  t.local_cable = r.sourced<Meters>("local_cable", Origin::assumed, false);
  r.done();
  return t;
}

std::vector<ConstantUsed> constants_of(const NodeSpec& n) {
  std::vector<ConstantUsed> out;
  const std::string owner = "node " + n.name;
  append(out, owner, "nvlink_rate", n.nvlink_rate);
  append(out, owner, "nvlink_latency", n.nvlink_latency);
  append(out, owner, "nvlink_store_latency", n.nvlink_store_latency);
  append(out, owner, "pcie_rate", n.pcie_rate);
  append(out, owner, "cpu_link_rate", n.cpu_link_rate);
  append(out, owner, "nic_rate", n.nic_rate);
  append(out, owner, "storage_nic_rate", n.storage_nic_rate);
  return out;
}

std::vector<ConstantUsed> constants_of(const TransportSpec& t) {
  std::vector<ConstantUsed> out;
  const std::string owner = "transport " + t.name;
  append(out, owner, "endpoint_latency", t.endpoint_latency);
  append(out, owner, "switch_latency", t.switch_latency);
  append(out, owner, "cable_latency", t.cable_latency);
  append(out, owner, "adaptive_hop_latency", t.adaptive_hop_latency);
  append(out, owner, "header", t.header);
  append(out, owner, "mtu", t.mtu);
  append(out, owner, "endpoint_cable", t.endpoint_cable);
  append(out, owner, "long_haul_cable", t.long_haul_cable);
  append(out, owner, "local_cable", t.local_cable);
  return out;
}

}  // namespace weft::topology
