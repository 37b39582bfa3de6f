// Multi-rail fat tree: a leaf for NIC r of the nodes of a scalable unit, all leaves under the same spines.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "topology/kinds/kind_support.h"

namespace weft::topology {

namespace {

/// The parameters; leaf number rail * units + unit.
struct Plan {
  std::int64_t radix = default_radix;
  std::int64_t rails = 8;
  Blocks rail;             ///< the NICs of one rail over its leaves
  std::int64_t units = 1;  ///< leaves of a rail
  bool three_layers = false;
  TwoLayers two;
  ThreeLayers three;
};

class Mrft : public Topology {
 public:
  explicit Mrft(const Plan& plan) : plan_(plan) {}
  std::string kind() const override { return "mrft"; }

  Counts count() const override {
    const std::int64_t hosts = plan_.rail.largest();
    Counts c;
    c.endpoints = c.host_links = plan_.rails * plan_.rail.count;
    c.switches = plan_.three_layers ? plan_.three.switches() : plan_.two.switches();
    c.switch_links = plan_.three_layers ? plan_.three.cables() : plan_.two.deal().cables();
    c.max_ports_used = plan_.three_layers ? plan_.three.max_ports(hosts) : plan_.two.max_ports(hosts);
    return c;
  }

  void build(FabricBuilder& b) const override {
    check_size(b, count(), kind());
    std::vector<VertexId> leaves;
    for (std::int64_t r = 0; r < plan_.rails; ++r) {
      for (std::int64_t u = 0; u < plan_.units; ++u) leaves.push_back(b.add_switch(0, r, u, fmt::format("rail{}.leaf{}", r, u)));
    }
    if (plan_.three_layers) {
      plan_.three.build_above(b, leaves);
    } else {
      std::vector<VertexId> spines;
      for (std::int64_t s = 0; s < plan_.two.spines; ++s) spines.push_back(b.add_switch(1, 0, s, fmt::format("spine{}", s)));
      plan_.two.deal().build(b, leaves, spines);
    }
    const std::int64_t share = b.nics_per_node() / plan_.rails;
    for (std::int64_t r = 0; r < plan_.rails; ++r) {
      for (std::int64_t i = 0; i < plan_.rail.count; ++i) {
        const std::int64_t node = i / share, local = r + i % share * plan_.rails;
        b.attach(static_cast<std::uint32_t>(node * b.nics_per_node() + local), leaves[r * plan_.units + plan_.rail.bin_of(i)]);
      }
    }
  }

  Json resolved() const override {
    Json j = {{"kind", kind()}, {"radix", plan_.radix}, {"rails", plan_.rails}, {"layers", plan_.three_layers ? 3 : 2}};
    if (!plan_.three_layers) j["spines"] = plan_.two.spines;
    return j;
  }

 private:
  Plan plan_;
};

std::unique_ptr<Topology> read(JsonReader& where, const SizeRequest& size) {
  where.has("kind");
  const std::size_t before = where.problems().list().size();
  Plan p;
  p.radix = read_radix(where);
  // "planes" says the same, so that a scenario can turn an MPFT into an MRFT by its kind alone.
  const std::string word = where.has("planes") ? "planes" : "rails";
  if (where.has("planes") && where.has("rails")) where.fail_at("planes", "an mrft takes planes or rails, not both", "leave planes out");
  p.rails = where.integer_or(word, size.nics_per_node, 1, max_radix);
  const std::int64_t share = nics_per_part(where, word, p.rails, size), half = p.radix / 2;
  if (share == 0) return nullptr;
  const std::int64_t two_layers = p.radix / p.rails * half;  // NICs of a rail: whole leaves, shared evenly by the rails
  const std::int64_t need = size.nodes > 0 ? size.nodes * share : two_layers;
  p.units = std::max<std::int64_t>(1, ceil_div(need, half));
  const std::int64_t leaves = p.rails * p.units;
  p.three_layers = where.integer_or("layers", leaves <= p.radix ? 2 : 3, 2, 3) == 3;
  const std::int64_t most = p.three_layers ? p.radix * half : p.radix;
  if (leaves > most || need == 0) {
    fail_too_small(where, "radix", fmt::format("radix {} in {} layers holds", p.radix, p.three_layers ? 3 : 2), most / p.rails * half,
                   size, need, "endpoints per rail", "raise the radix, or use fewer nodes");
  } else if (p.three_layers) {
    p.three = ThreeLayers::smallest(p.radix, leaves);
  } else {
    p.two = TwoLayers::smallest(p.radix, leaves);
    read_spines(where, p.two);
  }
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  p.rail = spread(need, p.units, half, share);
  return std::make_unique<Mrft>(p);
}

}  // namespace

TopologyKind mrft_kind() {
  return {"mrft", "multi-rail fat tree",
          "Rail-optimised fat tree (arXiv:2505.09343 section 5.1.1): NIC r of k/2 nodes shares a leaf, all leaves share the spines. "
          "Beyond k*k/2 endpoints it takes a third layer.",
          {{"radix", "ports of a switch; 64"},
           {"rails", "number of rails, a divisor of the NICs per node; by default as many as NICs per node"},
           {"planes", "another word for rails, so that the kind of an MPFT can be changed alone"},
           {"layers", "2 or 3; by default 2 where that holds the endpoints, else 3"},
           {"spines", "spines of two layers; by default as few as take all uplinks"}},
          read, {}};
}

}  // namespace weft::topology
