// weft topology cost|export: what networks cost, and their graphs for other tools.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/cluster.h"
#include "sim/cli/app.h"
#include "topology/export.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  std::vector<std::string> names, settings;
  std::string name, format = "graphml", prices = "table3-calibrated", node = "h800", output;
  std::int64_t nodes = 0;
};

/// A cluster of one topology: its row in Table 3 when neither nodes nor settings are given, else what they say.
Json cluster_json(const topology::TopologyKind& kind, const Options& o) {
  Json topology = {{"kind", kind.name}};
  if (o.nodes == 0 && o.settings.empty() && kind.table3.is_object()) topology = kind.table3;
  Json document = {{"cluster", {{"node", o.node}, {"transport", "infiniband"}, {"prices", o.prices}, {"topology", topology}}}};
  if (o.nodes > 0) document["cluster"]["nodes"] = o.nodes;
  for (const std::string& s : o.settings) {
    scenarios::Setting setting = scenarios::parse_setting(s, "--set");
    setting.pointer = "/cluster/topology" + setting.pointer;
    scenarios::apply_setting(document, setting, "", "--set");
  }
  return document["cluster"];
}

const topology::TopologyKind& kind_named(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& k : topology::topology_kinds()) {
    if (k.name == name) return k;
    known.push_back(k.name);
  }
  throw UserError("NAME", fmt::format("unknown topology \"{}\"", name), unknown_name_hint(name, known));
}

std::unique_ptr<scenarios::Cluster> cluster_of(const topology::TopologyKind& kind, const Options& o) {
  Problems problems;
  const Json json = cluster_json(kind, o);
  auto cluster = scenarios::Cluster::read(JsonReader(json, "weft topology " + kind.name, problems), DataPlaces::standard(), 1);
  problems.throw_if_any();
  return cluster;
}

void cost(const Options& o) {
  reports::Table t;
  t.id = "cost";
  t.title = "Counts and price of the scale-out network";
  t.columns = {{"topology", "kind"}, {"endpoints", "GPU-NIC pairs attached"}, {"switches", "switches"},
               {"switch_links", "cables between switches (\"links\" of Table 3)"}, {"host_links", "cables from NICs to switches"},
               {"price_MUSD", "million US dollars"}, {"price_per_endpoint_kUSD", "thousand US dollars"}};
  reports::Listing listing;
  for (const auto& kind : topology::topology_kinds()) {
    const bool asked = std::find(o.names.begin(), o.names.end(), kind.name) != o.names.end();
    const bool by_default = o.names.empty() && (kind.table3.is_object() || o.nodes > 0);
    if (!asked && !by_default) continue;
    const auto cluster = cluster_of(kind, o);
    const topology::Counts c = cluster->topology().count();
    const topology::Price p = topology::price_of(c, cluster->prices());
    Row r;
    r.set("topology", kind.name).set("endpoints", c.endpoints).set("switches", c.switches).set("switch_links", c.switch_links);
    r.set("host_links", c.host_links).set("price_MUSD", p.total.value() / 1e6).set("price_per_endpoint_kUSD", p.per_endpoint.value() / 1e3);
    t.rows.push_back(std::move(r));
    if (listing.notes.empty()) listing.notes = {"prices " + cluster->prices().name + ": " + cluster->prices().caveat};
    if (const std::string small = topology::small_tree_note(cluster->topology()); !small.empty()) listing.notes.push_back(kind.name + ": " + small);
  }
  listing.tables.push_back(std::move(t));
  emit(listing, o.common);
}

}  // namespace

void add_topology(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("topology", "what networks cost, and their graphs for other tools");
  sub->require_subcommand(1);
  auto o = std::make_shared<Options>();
  const auto add_shape = [o](CLI::App& s) {
    s.add_option("--nodes", o->nodes, "nodes of the cluster (default: the row of Table 3 of arXiv:2505.09343)")->check(CLI::Range(1, 1000000));
    s.add_option("--node", o->node, "hardware of a node")->capture_default_str();
    s.add_option("--set", o->settings, "a parameter of the topology, for example --set /radix=128")->type_name("/KEY=VALUE")->take_all()->expected(1)->allow_extra_args(false);
  };
  CLI::App* c = sub->add_subcommand("cost", "switches, cables and price, counted by formula");
  c->footer("Examples:\n  weft topology cost\n  weft topology cost mpft mrft ft3 --nodes 2048\n"
            "  weft topology cost mpft --nodes 2048 --set /radix=128 --prices ./my_prices.json");
  add_common(*c, o->common);
  add_shape(*c);
  c->add_option("NAME", o->names, "topologies (default: those of Table 3)")->type_name("TOPOLOGY");
  c->add_option("--prices", o->prices, "price list: a name or a file")->type_name("PRICES")->capture_default_str();
  c->callback([o] {
    for (const std::string& name : o->names) kind_named(name);
    cost(*o);
  });
  CLI::App* e = sub->add_subcommand("export", "the whole graph: GPUs, NICs, switches, cables");
  e->footer("Examples:\n  weft topology export mpft --nodes 16 --format dot -o mpft.dot\n  weft topology export dragonfly --nodes 9 "
            "--node endpoint --set /p=2 --set /a=4 --set /h=2");
  add_shape(*e);
  e->add_option("NAME", o->name, "topology")->required()->type_name("TOPOLOGY");
  e->add_option("--format", o->format, "how the graph is written")->type_name("graphml|dot|simgrid-xml")->capture_default_str();
  e->add_option("-o,--output", o->common.output, "write to FILE; - is stdout")->type_name("FILE");
  e->callback([o] {
    const auto cluster = cluster_of(kind_named(o->name), *o);
    emit_text(topology::export_fabric(cluster->fabric(), o->format), o->common);
  });
}

}  // namespace weft::cli
