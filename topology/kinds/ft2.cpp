// Two-layer fat tree: leaves and spines, the same number of ports up as down.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "topology/kinds/kind_support.h"

namespace weft::topology {

namespace {

class Ft2 : public Topology {
 public:
  Ft2(TwoLayers tree, Blocks hosts, bool by_rail) : tree_(tree), hosts_(hosts), by_rail_(by_rail) {}
  std::string kind() const override { return "ft2"; }

  Counts count() const override {
    Counts c;
    c.endpoints = c.host_links = hosts_.count;
    c.switches = tree_.switches();
    c.switch_links = tree_.deal().cables();
    c.max_ports_used = tree_.max_ports(hosts_.largest());
    return c;
  }

  void build(FabricBuilder& b) const override {
    check_size(b, count(), kind());
    std::vector<VertexId> leaves, spines;
    for (std::int64_t i = 0; i < tree_.leaves; ++i) leaves.push_back(b.add_switch(0, 0, i, fmt::format("leaf{}", i)));
    for (std::int64_t s = 0; s < tree_.spines; ++s) spines.push_back(b.add_switch(1, 0, s, fmt::format("spine{}", s)));
    tree_.deal().build(b, leaves, spines);
    for (std::uint32_t nic = 0; nic < b.nics(); ++nic) {
      const std::uint32_t node = nic / b.nics_per_node(), local = nic % b.nics_per_node();
      const std::uint32_t place = by_rail_ ? local * b.nodes() + node : nic;
      b.attach(nic, leaves[hosts_.bin_of(place)]);
    }
  }

  Json resolved() const override {
    return {{"kind", kind()}, {"radix", tree_.radix}, {"leaves", tree_.leaves}, {"spines", tree_.spines},
            {"placement", by_rail_ ? "rail" : "node"}};
  }

 private:
  TwoLayers tree_;
  Blocks hosts_;
  bool by_rail_;
};

/// "leaves" and "spines" as written, else the smallest tree; problems where they cannot hold the endpoints.
TwoLayers read_tree(JsonReader& where, const SizeRequest& size, std::int64_t radix, std::int64_t endpoints) {
  const std::int64_t half = radix / 2;
  TwoLayers tree = TwoLayers::smallest(radix, ceil_div(endpoints, half));
  if (where.has("leaves")) {
    tree = TwoLayers::smallest(radix, where.integer("leaves", 1, radix));
    if (tree.leaves * half < endpoints) {
      fail_too_small(where, "leaves", fmt::format("{} leaves of radix {} hold", tree.leaves, radix), tree.leaves * half, size,
                     endpoints, "endpoints", "a leaf has half of its ports down");
    }
  }
  read_spines(where, tree);
  return tree;
}

std::unique_ptr<Topology> read(JsonReader& where, const SizeRequest& size) {
  where.has("kind");
  const std::int64_t radix = read_radix(where);
  const std::int64_t capacity = TwoLayers::capacity(radix);
  const std::int64_t need = size.nodes > 0 ? size.nodes * size.nics_per_node : capacity;
  const std::size_t before = where.problems().list().size();
  TwoLayers tree;
  if (need > capacity) {
    where.has("leaves"), where.has("spines");
    fail_too_small(where, "radix", fmt::format("radix {} holds", radix), capacity, size, need, "endpoints in two layers",
                   "raise the radix, or use ft3 (three layers) or mpft (several planes)");
  } else {
    tree = read_tree(where, size, radix, need);
  }
  const bool by_rail = where.one_of("placement", {"node", "rail"}, "node") == "rail";
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  const Blocks hosts = spread(need, tree.leaves, radix / 2, by_rail ? 1 : size.nics_per_node);
  return std::make_unique<Ft2>(tree, hosts, by_rail);
}

}  // namespace

TopologyKind ft2_kind() {
  return {"ft2", "two-layer fat tree",
          "Leaves and spines without oversubscription (FT2 of arXiv:2505.09343 Table 3): k*k/2 endpoints on 3k/2 switches.",
          {{"radix", "ports of a switch; 64"},
           {"leaves", "number of leaves; by default as few as hold the endpoints"},
           {"spines", "number of spines; by default as few as take all uplinks"},
           {"placement", "\"node\": the NICs of a node share a leaf (default); \"rail\": NICs with the same local index do"}},
          read, Table3Row(Json{{"kind", "ft2"}, {"radix", 64}})};
}

}  // namespace weft::topology
