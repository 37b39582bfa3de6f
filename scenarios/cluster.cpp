#include "scenarios/cluster.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/pairs.h"

namespace weft::scenarios {
namespace {

/// Numbers of nodes beyond this are a typing mistake rather than a cluster.
constexpr std::int64_t kMostNodes = 1000000;

/// Keeps nothing but what the summary says.
struct Unheard final : engine::TimelineSink {
  bool wants_operations() const override { return false; }
};

/// Adds file and prefix to problems that a builder raised with a place of its own.
[[noreturn]] void rethrow_at(const UserError& e, const std::string& file) {
  std::vector<Problem> problems = e.problems();
  for (Problem& p : problems) {
    if (p.file.empty()) p.file = file;
  }
  throw UserError(std::move(problems));
}

}  // namespace

std::unique_ptr<Cluster> Cluster::read(JsonReader where, const DataPlaces& data, std::uint64_t seed) {
  std::unique_ptr<Cluster> c(new Cluster);
  c->file_ = where.file();
  c->pointer_ = where.pointer();
  if (!where.expect_object("the cluster")) return c;
  static const Json kDefaultNode = "h800";
  static const Json kDefaultTransport = "infiniband";
  static const Json kDefaultPrices = "table3-calibrated";
  const auto or_default = [&](const char* key, const Json& fallback) {
    auto r = where.maybe(key);
    return r ? *r : JsonReader(fallback, where.file(), where.problems(), where.pointer() + "/" + key);
  };
  c->node_ = topology::read_node_spec(or_default("node", kDefaultNode), data);
  c->transport_ = topology::read_transport_spec(or_default("transport", kDefaultTransport), data);
  c->prices_ = topology::read_price_list(or_default("prices", kDefaultPrices), data);
  c->nodes_ = where.integer_or("nodes", 0, 1, kMostNodes);
  static const Json kNoRouting = Json::object();
  c->routing_ = topology::read_routing_spec(or_default("routing", kNoRouting));
  c->routing_.seed = seed;
  c->topology_ = topology::read_topology(where.at("topology"), {c->nodes_, c->node_.gpus});
  if (c->topology_ && c->nodes_ == 0 && c->node_.gpus > 0) {
    // Full size: as many nodes as the topology has endpoints for.
    const std::int64_t endpoints = c->topology_->count().endpoints;
    c->nodes_ = endpoints / c->node_.gpus;
    if (endpoints % c->node_.gpus != 0) {
      where.fail_at("nodes", fmt::format("{} at full size has {} endpoints, no multiple of the node's {} NICs", c->topology_->kind(),
                                         endpoints, c->node_.gpus), "give nodes, or use the node \"endpoint\"");
    } else if (c->nodes_ > kMostNodes) {
      where.fail_at("nodes", fmt::format("{} at full size has {} nodes; {} is the most", c->topology_->kind(), c->nodes_, kMostNodes),
                    "give nodes, or smaller parameters");
    }
  }
  c->read_storage(where, data);
  if (auto failed = where.maybe("failed")) {
    if (!failed->is_array()) failed->fail("expected a list of names like [\"plane0.spine0\"]");
    for (JsonReader& name : failed->items()) c->failed_.push_back(name.as_string());
  }
  c->read_events(where);
  where.done();
  return c;
}

void Cluster::read_storage(JsonReader& where, const DataPlaces& data) {
  auto r = where.maybe("storage");
  if (!r || !r->expect_object("storage nodes like {\"node\": \"threefs_2025\", \"nodes\": 180}")) return;
  const std::size_t before = where.problems().list().size();
  if (before == 0 && node_.storage_nic_rate.value.value() == 0) {
    r->fail(fmt::format("the nodes ({}) have no storage NIC to reach storage nodes with", node_.name),
            "give the node a \"storage_nic_rate\": {\"extends\": \"" + node_.name + "\", \"storage_nic_rate\": \"400 Gbps\"}");
  }
  Storage s;
  static const Json kDefaultNode = "threefs_2025";
  const auto node = r->maybe("node");
  s.node = topology::read_storage_spec(node ? *node : JsonReader(kDefaultNode, r->file(), r->problems(), r->pointer() + "/node"), data);
  s.nodes = r->integer("nodes", 1, kMostNodes);
  s.transport = transport_;
  if (auto t = r->maybe("transport")) s.transport = topology::read_transport_spec(*t, data);
  const std::int64_t nics = nodes_ + s.nodes * s.node.nics;
  const Json fallback = topology::default_storage_topology(nics);
  const auto given = r->maybe("topology");
  if (where.problems().list().size() == before) {
    // To a network of its own each NIC is a node with one.
    s.topology = topology::read_topology(given ? *given : JsonReader(fallback, r->file(), r->problems(), r->pointer() + "/topology"), {nics, 1});
  }
  r->done();
  storage_ = std::move(s);
}

void Cluster::read_events(JsonReader& where) {
  auto list = where.maybe("events");
  if (!list) return;
  if (!list->is_array()) list->fail("expected a list of events like {\"at\": \"1 ms\", \"fail\": \"plane0.spine0\"}");
  for (JsonReader& r : list->items()) {
    if (!r.expect_object("an event")) continue;
    Event e;
    e.pointer = r.pointer();
    e.at = r.quantity<Seconds>("at", false);
    using What = engine::FabricEvent::What;
    int said = 0;
    for (const auto& [key, what] : {std::pair{"fail", What::fail}, {"repair", What::repair}, {"slow", What::capacity}}) {
      if (!r.has(key)) continue;
      ++said;
      e.what = what;
      e.name = r.string(key);
    }
    if (said != 1) r.fail("expected exactly one of \"fail\", \"repair\" and \"slow\" with the name of a part");
    if (e.what == What::capacity) e.rate = r.quantity<BytesPerSecond>("rate");
    if (r.has("detection")) {
      if (e.what != What::fail) r.fail_at("detection", "belongs to \"fail\": until then nobody knows, and what crosses the part waits");
      e.detection = r.quantity<Seconds>("detection", false);
    }
    r.done();
    events_.push_back(std::move(e));
  }
}

const topology::Fabric& Cluster::fabric() const {
  const std::lock_guard lock(building_);
  if (fabric_) return *fabric_;
  try {
    topology::StorageNetwork storage;
    if (storage_) storage = {&storage_->node, storage_->topology.get(), &storage_->transport, static_cast<std::uint32_t>(storage_->nodes)};
    fabric_.emplace(topology::build_fabric(*topology_, node_, transport_, static_cast<std::uint32_t>(nodes_), failed_, pointer_ + "/failed", storage));
  } catch (const UserError& e) {
    rethrow_at(e, file_);
  }
  return *fabric_;
}

/// When the first repair of the same part after `failure` comes; infinite when there is none.
Seconds Cluster::repaired_at(const Event& failure) const {
  Seconds at(std::numeric_limits<double>::infinity());
  for (const Event& e : events_) {
    if (e.what == engine::FabricEvent::What::repair && e.name == failure.name && e.at >= failure.at) at = std::min(at, e.at);
  }
  return at;
}

bool Cluster::slowed_before(Seconds time, LinkId link) const {
  return std::ranges::any_of(events_, [&](const Event& e) {
    if (e.what != engine::FabricEvent::What::capacity || e.at > time) return false;
    const std::vector<LinkId> links = topology::links_named(fabric(), e.name);
    return std::ranges::find(links, link) != links.end();
  });
}

std::vector<engine::FabricEvent> Cluster::events() const {
  using What = engine::FabricEvent::What;
  std::vector<engine::FabricEvent> out;
  for (const Event& e : events_) {
    const std::vector<LinkId> links = topology::links_named(fabric(), e.name);
    if (links.empty()) {
      throw UserError({{file_, e.pointer, fmt::format("there is no part named \"{}\" in this cluster", e.name),
                        "names are those of `weft topology export`, such as plane0.spine0 or node3.nic2"}});
    }
    if (e.detection.value() == 0) {
      for (LinkId l : links) {
        if (e.what == What::repair && slowed_before(e.at, l)) out.push_back({e.at, What::capacity, l, fabric().link(l).rate});
        out.push_back({e.at, e.what, l, e.rate});
      }
      continue;
    }
    // Nobody knows yet: nothing gets through, and nothing takes another way. Then it is known, or was there again before.
    const Seconds known = e.at + e.detection, back = repaired_at(e), until = std::min(known, back);
    for (LinkId l : links) {
      out.push_back({e.at, What::capacity, l, BytesPerSecond(0)});
      out.push_back({until, What::capacity, l, fabric().link(l).rate});
      if (known < back) out.push_back({known, What::fail, l, {}});
    }
  }
  return out;
}

workloads::ClusterView Cluster::view(topology::Router& router) const {
  workloads::ClusterView v;
  v.placement = fabric().placement();
  v.pair = [this, &router](std::string_view relation) { return find_pair(fabric(), router, relation); };
  v.reachable = [&router](const Endpoint& a, const Endpoint& b) { return router.reachable(a, b); };
  v.attached_switch = [this](const Endpoint& nic) { return fabric().switch_of_nic(fabric().vertex_of(nic)).value; };
  v.nic_rate = node_.nic_rate.value;
  v.nvlink_rate = node_.nvlink_rate.value;
  v.nvlink_latency = node_.nvlink_latency.value;
  v.nvlink_store_latency = node_.nvlink_store_latency.value;
  v.storage_nic = node_.storage_nic_rate.value.value() > 0;
  if (storage_) {
    const topology::StorageSpec& s = storage_->node;
    v.storage = {static_cast<std::uint32_t>(storage_->nodes), s.nics, s.ssds, s.nic_rate.value, s.ssd_read.value, s.ssd_write.value,
                 s.ssd_read_iops.value, node_.storage_nic_rate.value};
  }
  v.play = [&router](workloads::Program& program) {
    Unheard nobody;
    return engine::run(router, program, {}, nobody).makespan;
  };
  return v;
}

std::vector<ConstantUsed> Cluster::constants() const {
  std::vector<ConstantUsed> out = topology::constants_of(node_);
  for (auto& c : topology::constants_of(transport_)) out.push_back(std::move(c));
  if (storage_) {
    for (auto& c : topology::constants_of(storage_->node)) out.push_back(std::move(c));
    if (storage_->transport.name != transport_.name)
      for (auto& c : topology::constants_of(storage_->transport)) out.push_back(std::move(c));
  }
  return out;
}

Json Cluster::resolved() const {
  Json j = Json::object();
  j["node"] = node_.name;
  j["nodes"] = nodes_;
  j["gpus"] = nodes_ * node_.gpus;
  j["topology"] = topology_->resolved();
  const char* policies[] = {"adaptive", "ecmp", "static"};
  const char* paths[] = {"minimal", "valiant", "ugal"};
  j["routing"] = {{"policy", policies[static_cast<int>(routing_.policy)]},
                  {"paths", paths[static_cast<int>(routing_.paths)]},
                  {"qps", routing_.qps}};
  j["transport"] = transport_.name;
  j["prices"] = prices_.name;
  if (routing_.paths == topology::PathChoice::ugal) j["routing"]["ugal_minimal_share"] = routing_.ugal_minimal_share;
  if (storage_) {
    j["storage"] = {{"node", storage_->node.name}, {"nodes", storage_->nodes}, {"topology", storage_->topology->resolved()},
                    {"transport", storage_->transport.name}};
  }
  j["failed"] = failed_;
  const char* words[] = {"slow", "fail", "repair"};
  for (const Event& e : events_) {
    Json event = {{"at_s", e.at.value()}, {words[static_cast<int>(e.what)], e.name}};
    if (e.what == engine::FabricEvent::What::capacity) event["rate_Bps"] = e.rate.value();
    if (e.detection.value() > 0) event["detection_s"] = e.detection.value();
    j["events"].push_back(std::move(event));
  }
  return j;
}

}  // namespace weft::scenarios
