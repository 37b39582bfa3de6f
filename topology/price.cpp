// Price lists: read from data, applied to counts.
#include "topology/price.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"
#include "topology/topology.h"

namespace weft::topology {

namespace {

template <class Q>
void append(std::vector<ConstantUsed>& out, const PriceList& list, const char* name, const char* unit, const Sourced<Q>& c) {
  if (c.source.empty() && c.value.value() == 0) return;  // not in the list
  out.push_back({fmt::format("prices {}: {}", list.name, name), fmt::format("{} {}", c.value.value(), unit), c.origin, c.source});
}

double as_double(std::int64_t n) { return static_cast<double>(n); }

}  // namespace

PriceList read_price_list(JsonReader where, const DataPlaces& data) {
  PriceList list;
  auto found = read_named_object(where, data, "topology/data/prices", "a price list");
  if (!found) return list;
  JsonReader& r = found->reader;
  list.name = found->name;
  list.title = r.string("title", list.name);
  list.caveat = r.string("caveat");
  list.network_switch = r.sourced<Dollars>("switch", Origin::assumed, false);
  list.endpoint_cable = r.sourced<Dollars>("endpoint_cable", Origin::assumed, false);
  list.long_haul_cable = r.sourced<Dollars>("long_haul_cable", Origin::assumed, false);
  list.local_cable = r.sourced<Dollars>("local_cable", Origin::assumed, false);
  list.nic = optional_constant<Dollars>(r, "nic");
  list.switch_power = optional_constant<Watts>(r, "switch_power");
  list.nic_power = optional_constant<Watts>(r, "nic_power");
  r.done();
  return list;
}

Price price_of(const Counts& counts, const PriceList& list) {
  Price p;
  p.switches = as_double(counts.switches) * list.network_switch.value;
  p.endpoint_cables = as_double(counts.host_links) * list.endpoint_cable.value;
  p.long_haul_cables = as_double(counts.switch_links - counts.local_links) * list.long_haul_cable.value;
  p.local_cables = as_double(counts.local_links) * list.local_cable.value;
  p.nics = as_double(counts.endpoints) * list.nic.value;
  p.total = p.switches + p.endpoint_cables + p.long_haul_cables + p.local_cables + p.nics;
  if (counts.endpoints > 0) p.per_endpoint = p.total / as_double(counts.endpoints);
  p.power = as_double(counts.switches) * list.switch_power.value + as_double(counts.endpoints) * list.nic_power.value;
  return p;
}

std::vector<ConstantUsed> constants_of(const PriceList& list) {
  std::vector<ConstantUsed> out;
  append(out, list, "switch", "USD", list.network_switch);
  append(out, list, "endpoint_cable", "USD", list.endpoint_cable);
  append(out, list, "long_haul_cable", "USD", list.long_haul_cable);
  append(out, list, "local_cable", "USD", list.local_cable);
  append(out, list, "nic", "USD", list.nic);
  append(out, list, "switch_power", "W", list.switch_power);
  append(out, list, "nic_power", "W", list.nic_power);
  return out;
}

std::string small_tree_note(const Topology& topology) {
  const Json shape = topology.resolved();
  const Counts n = topology.count();
  if ((topology.kind() != "mpft" && topology.kind() != "ft2") || n.switch_links == 0) return "";
  const std::int64_t radix = shape["radix"].get<std::int64_t>(), planes = shape.value("planes", std::int64_t{1});
  const std::int64_t hosts = n.endpoints / planes;
  if (hosts > radix) return "";
  return fmt::format("one switch of {} ports would hold the {} NICs of {}: here leaves keep half of their ports for spines, so that the network can grow to {} NICs", radix, hosts,
                     planes > 1 ? "a plane" : "this network", radix * (radix / 2));
}

}  // namespace weft::topology
