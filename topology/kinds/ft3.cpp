// Three-layer fat tree (k-ary): pods of edge and aggregation switches under core switches.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "topology/kinds/kind_support.h"

namespace weft::topology {

namespace {

class Ft3 : public Topology {
 public:
  Ft3(ThreeLayers tree, Blocks hosts, bool by_rail) : tree_(tree), hosts_(hosts), by_rail_(by_rail) {}
  std::string kind() const override { return "ft3"; }

  Counts count() const override {
    Counts c;
    c.endpoints = c.host_links = hosts_.count;
    c.switches = tree_.switches();
    c.switch_links = tree_.cables();
    c.max_ports_used = tree_.max_ports(hosts_.largest());
    return c;
  }

  void build(FabricBuilder& b) const override {
    check_size(b, count(), kind());
    std::vector<VertexId> edges;
    for (std::int64_t e = 0; e < tree_.edges; ++e) {
      const std::int64_t pod = tree_.edges_of_pod.bin_of(e), index = e % tree_.edges_of_pod.size;
      edges.push_back(b.add_switch(0, pod, index, fmt::format("pod{}.edge{}", pod, index)));
    }
    tree_.build_above(b, edges);
    for (std::uint32_t nic = 0; nic < b.nics(); ++nic) {
      const std::uint32_t node = nic / b.nics_per_node(), local = nic % b.nics_per_node();
      const std::uint32_t place = by_rail_ ? local * b.nodes() + node : nic;
      b.attach(nic, edges[hosts_.bin_of(place)]);
    }
  }

  Json resolved() const override {
    return {{"kind", kind()}, {"radix", tree_.radix}, {"placement", by_rail_ ? "rail" : "node"}};
  }

 private:
  ThreeLayers tree_;
  Blocks hosts_;
  bool by_rail_;
};

std::unique_ptr<Topology> read(JsonReader& where, const SizeRequest& size) {
  where.has("kind");
  const std::size_t before = where.problems().list().size();
  const std::int64_t radix = read_radix(where), capacity = ThreeLayers::capacity(radix), half = radix / 2;
  const std::int64_t need = size.nodes > 0 ? size.nodes * size.nics_per_node : capacity;
  if (need > capacity) {
    fail_too_small(where, "radix", fmt::format("radix {} holds", radix), capacity, size, need, "endpoints in three layers",
                   "raise the radix, or use fewer nodes");
  }
  check_full_size(where, "radix", fmt::format("radix {} holds", radix), need, size);
  const bool by_rail = where.one_of("placement", {"node", "rail"}, "node") == "rail";
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  const std::int64_t edges = ceil_div(need, half);
  return std::make_unique<Ft3>(ThreeLayers::smallest(radix, edges), spread(need, edges, half, by_rail ? 1 : size.nics_per_node),
                               by_rail);
}

}  // namespace

TopologyKind ft3_kind() {
  return {"ft3", "three-layer fat tree",
          "k-ary fat tree (FT3 of arXiv:2505.09343 Table 3): k*k*k/4 endpoints on 5k*k/4 switches; fewer endpoints take fewer pods "
          "and fewer core switches with parallel cables.",
          {{"radix", "ports of a switch; 64"},
           {"placement", "\"node\": the NICs of a node share an edge switch (default); \"rail\": NICs with the same local index do"}},
          read, Table3Row(Json{{"kind", "ft3"}, {"radix", 64}})};
}

}  // namespace weft::topology
