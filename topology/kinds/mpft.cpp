// Multi-plane fat tree: several two-layer fat trees side by side, NIC g of every node in plane g.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "topology/kinds/kind_support.h"

namespace weft::topology {

namespace {

class Mpft : public Topology {
 public:
  Mpft(std::int64_t planes, TwoLayers plane, Blocks hosts) : planes_(planes), plane_(plane), hosts_(hosts) {}
  std::string kind() const override { return "mpft"; }

  Counts count() const override {
    Counts c;
    c.endpoints = c.host_links = planes_ * hosts_.count;
    c.switches = planes_ * plane_.switches();
    c.switch_links = planes_ * plane_.deal().cables();
    c.max_ports_used = plane_.max_ports(hosts_.largest());
    return c;
  }

  void build(FabricBuilder& b) const override {
    check_size(b, count(), kind());
    for (std::int64_t p = 0; p < planes_; ++p) build_plane(b, p);
  }

  Json resolved() const override {
    return {{"kind", kind()}, {"radix", plane_.radix}, {"planes", planes_}, {"spines", plane_.spines}};
  }

 private:
  void build_plane(FabricBuilder& b, std::int64_t p) const {
    std::vector<VertexId> leaves, spines;
    for (std::int64_t i = 0; i < plane_.leaves; ++i) leaves.push_back(b.add_switch(0, p, i, fmt::format("plane{}.leaf{}", p, i)));
    for (std::int64_t s = 0; s < plane_.spines; ++s) spines.push_back(b.add_switch(1, p, s, fmt::format("plane{}.spine{}", p, s)));
    plane_.deal().build(b, leaves, spines);
    // Local indices p, p + planes, ... of a node are neighbours in plane p.
    const std::int64_t share = b.nics_per_node() / planes_;
    for (std::int64_t i = 0; i < hosts_.count; ++i) {
      const std::int64_t node = i / share, local = p + i % share * planes_;
      b.attach(static_cast<std::uint32_t>(node * b.nics_per_node() + local), leaves[hosts_.bin_of(i)]);
    }
  }

  std::int64_t planes_;
  TwoLayers plane_;
  Blocks hosts_;
};

std::unique_ptr<Topology> read(JsonReader& where, const SizeRequest& size) {
  where.has("kind");
  const std::size_t before = where.problems().list().size();
  const std::int64_t radix = read_radix(where), capacity = TwoLayers::capacity(radix), half = radix / 2;
  const std::int64_t planes = where.integer_or("planes", size.nics_per_node, 1, max_radix);
  const std::int64_t share = nics_per_part(where, "planes", planes, size);
  const std::int64_t need = size.nodes > 0 ? size.nodes * share : capacity;
  if (need > capacity) {
    fail_too_small(where, "radix", fmt::format("radix {} holds", radix), capacity, size, need, "endpoints per plane",
                   fmt::format("with radix {} and {} planes at most {} nodes fit", radix, planes, capacity / share));
  }
  check_full_size(where, "radix", fmt::format("radix {} in {} planes holds", radix, planes), planes * need, size);
  TwoLayers plane = TwoLayers::smallest(radix, ceil_div(need, half));
  read_spines(where, plane);
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  return std::make_unique<Mpft>(planes, plane, spread(need, plane.leaves, half, share));
}

}  // namespace

TopologyKind mpft_kind() {
  return {"mpft", "multi-plane fat tree",
          "One two-layer fat tree for each NIC of a node, without any link between the planes (arXiv:2505.09343 section 5.1, Figure 3).",
          {{"radix", "ports of a switch; 64"},
           {"planes", "number of planes, a divisor of the NICs per node; by default as many as NICs per node"},
           {"spines", "spines of a plane; by default as few as take all uplinks"}},
          read, Table3Row(Json{{"kind", "mpft"}, {"radix", 64}, {"planes", 8}})};
}

}  // namespace weft::topology
