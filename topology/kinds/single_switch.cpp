// One switch with every NIC on it: the ideal crossbar.
#include <algorithm>

#include <nlohmann/json.hpp>
#include <fmt/format.h>

#include "topology/kinds/kind_support.h"

namespace weft::topology {

namespace {

/// Ports of a crossbar, which no real switch limits: more than any cluster of a million 8-GPU nodes takes.
constexpr std::int64_t max_ports = std::int64_t{1} << 24;

class SingleSwitch : public Topology {
 public:
  SingleSwitch(std::int64_t radix, std::int64_t endpoints) : radix_(radix), endpoints_(endpoints) {}
  std::string kind() const override { return "single_switch"; }

  Counts count() const override {
    Counts c;
    c.endpoints = c.host_links = c.max_ports_used = endpoints_;
    c.switches = 1;
    return c;
  }

  void build(FabricBuilder& b) const override {
    check_size(b, count(), kind());
    const VertexId sw = b.add_switch(0, 0, 0, "switch0");
    for (std::uint32_t nic = 0; nic < b.nics(); ++nic) b.attach(nic, sw);
  }

  Json resolved() const override { return {{"kind", kind()}, {"radix", radix_}}; }

 private:
  std::int64_t radix_, endpoints_;
};

std::unique_ptr<Topology> read(JsonReader& where, const SizeRequest& size) {
  where.has("kind");
  const std::int64_t need = size.nodes * size.nics_per_node;
  const std::size_t before = where.problems().list().size();
  const std::int64_t radix = where.integer_or("radix", std::clamp(need, default_radix, max_ports), 1, max_ports);
  if (need > max_ports) {
    fail_too_small(where, "radix", "a single switch holds at most", max_ports, size, need, "endpoints", "use fewer nodes, or another kind");
  } else if (need > radix) {
    fail_too_small(where, "radix", fmt::format("radix {} holds", radix), radix, size, need, "endpoints",
                   "leave radix out for a crossbar as large as needed");
  }
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  return std::make_unique<SingleSwitch>(radix, need > 0 ? need : radix);
}

}  // namespace

TopologyKind single_switch_kind() {
  return {"single_switch", "single switch", "One crossbar that every NIC is attached to: the network that never collides.",
          {{"radix", "ports of the switch, at most 16777216; by default 64, or as many as there are NICs"}},
          read, {}};
}

}  // namespace weft::topology
