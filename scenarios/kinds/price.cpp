// What a topology counts to and what it costs; by formula, without building it.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"

namespace weft::scenarios {
namespace {

constexpr double kListedRate = 50e9;   ///< bytes a second, of the parts in the price lists

class PriceAnalysis final : public Analysis {
 public:
  std::vector<Row> rows(const Cluster& cluster) const override {
    const topology::Counts n = cluster.topology().count();
    const topology::Price p = topology::price_of(n, cluster.prices());
    Row r;
    r.set("topology", cluster.topology().kind());
    r.set("endpoints", n.endpoints).set("switches", n.switches).set("switch_links", n.switch_links).set("host_links", n.host_links);
    r.set("cables", n.switch_links + n.host_links);
    r.set("price_MUSD", p.total.value() / 1e6);
    r.set("price_per_endpoint_kUSD", p.per_endpoint.value() / 1e3);
    r.set("switches_MUSD", p.switches.value() / 1e6);
    r.set("cables_MUSD", (p.endpoint_cables + p.long_haul_cables + p.local_cables).value() / 1e6);
    if (p.nics.value() > 0) r.set("nics_MUSD", p.nics.value() / 1e6);
    if (p.power.value() > 0) r.set("power_kW", p.power.value() / 1e3);
    return {r};
  }

  std::vector<std::string> notes(const Cluster& cluster) const override {
    std::vector<std::string> notes = {"prices " + cluster.prices().name + ": " + cluster.prices().caveat};
    if (const double rate = cluster.node().nic_rate.value.value(); rate != kListedRate) {
      notes.push_back(fmt::format("links between switches are as fast as NICs, {:g} Gb/s here; the prices are those of parts for 400 Gb/s and do not follow", rate * 8 / 1e9));
    }
    if (std::string small = topology::small_tree_note(cluster.topology()); !small.empty()) notes.push_back(std::move(small));
    const Json shape = cluster.topology().resolved();
    if (shape.contains("radix") && shape["radix"] != 64) {
      notes.push_back("a switch of " + shape["radix"].dump() + " ports is priced like any other switch of the list; give a list of your own for other switches");
    }
    if (const topology::Topology* storage = cluster.storage_topology()) {
      const topology::Counts n = storage->count();
      notes.push_back(fmt::format("the storage network is not in these columns: {} with {} switches and {} cables, {:.4f} million USD by the same list", storage->kind(),
                                  n.switches, n.switch_links + n.host_links, topology::price_of(n, cluster.prices()).total.value() / 1e6));
    }
    return notes;
  }

  std::vector<ConstantUsed> constants(const Cluster& cluster) const override { return topology::constants_of(cluster.prices()); }
};

}  // namespace

AnalysisKind analysis_price() {
  AnalysisKind k;
  k.name = "price";
  k.title = "Switches, cables and price";
  k.summary = "Counts the scale-out network by formula and prices it with the cluster's price list. \"switch_links\" are "
              "switch-to-switch cables, as in Table 3 of arXiv:2505.09343; cables from NICs to switches are host_links.";
  k.found_by = "cables and switches counted and priced";
  k.columns = {{"topology", "kind of the network"},
               {"endpoints", "GPU-NIC pairs attached"},
               {"switches", "switches"},
               {"switch_links", "cables between switches"},
               {"host_links", "cables from NICs to switches"},
               {"cables", "all network cables: switch_links + host_links", true},
               {"price_MUSD", "switches, cables and what else the price list prices, million US dollars"},
               {"price_per_endpoint_kUSD", "the same per endpoint, thousand US dollars"},
               {"switches_MUSD", "of this, switches", true},
               {"cables_MUSD", "of this, cables of all classes", true},
               {"nics_MUSD", "of this, NICs (shown when the list prices them)"},
               {"power_kW", "power of switches and NICs (shown when the list has it)"}};
  k.read = [](JsonReader&, const AnalysisContext&) { return std::make_unique<PriceAnalysis>(); };
  return k;
}

}  // namespace weft::scenarios
