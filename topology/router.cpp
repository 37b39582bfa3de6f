#include "topology/router.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "sim/core/random.h"
#include "topology/router_network.h"

namespace weft::topology {

namespace {

constexpr std::uint64_t pair_key(VertexId a, VertexId b) { return (std::uint64_t{a.value} << 32) | b.value; }

/// "plane3" of "plane3.leaf1"; the whole name when it has one part.
std::string part_of(const std::string& name) { return name.substr(0, name.find('.')); }

/// A NIC or switch that only the scale-out network has.
bool of_scale_out(const Endpoint& e) { return e.kind == Endpoint::Kind::nic || e.kind == Endpoint::Kind::nic_switch; }

/// Over the node's buses; two NICs of a node talk through the network, and a switch is in no node.
bool in_one_node(const Endpoint& a, const Endpoint& b) {
  if (a.kind == Endpoint::Kind::nic_switch || b.kind == Endpoint::Kind::nic_switch) return false;
  return in_same_machine(a, b) && !(a.kind == Endpoint::Kind::nic && b.kind == Endpoint::Kind::nic);
}

}  // namespace

struct Router::Impl {
  /// How an endpoint gets to or from its switch.
  struct Access {
    bool found = false;
    SegmentId segment;         ///< invalid where the end is the switch itself
    LinkId wire;
    SwitchIndex at = no_switch;
    Meters length;
    std::uint32_t number = 0;  ///< of the NIC, for D-mod-k
  };

  Impl(const Fabric& f, const RoutingSpec& s);

  bool route(const Endpoint& from, const Endpoint& to, std::uint64_t flow_key, std::vector<SubRoute>* out);
  bool route_in_node(VertexId from, VertexId to, std::vector<SubRoute>* out);
  void route_over_network(const Access& a, const Access& b, std::uint64_t flow_key, std::vector<SubRoute>& out);
  SubRoute assemble(const Access& a, const Middle& m, const Access& b, double share) const;

  const Access& access(const Endpoint& e, bool outward, bool storage);
  Access access_by(VertexId end, VertexId nic, bool outward);
  Access access_of_switch(VertexId nic, bool outward);
  bool storage_route(const Endpoint& from, const Endpoint& to) const;
  bool exists(const Endpoint& e) const;
  VertexId nic_of(const Endpoint& e, bool storage) const;
  LinkId uplink(VertexId nic) const;
  const std::optional<SubRoute>& bus_route(VertexId from, VertexId to, CableClass cable);
  std::optional<std::vector<LinkId>> bus_path(VertexId from, VertexId to, CableClass cable, bool usable_only) const;
  void number_nics();
  UserError why_not(const Endpoint& from, const Endpoint& to) const;
  UserError no_such_storage(const Endpoint& e) const;
  std::string describe(VertexId nic) const;

  const Fabric& fabric;
  RoutingSpec spec;
  SegmentStore store;
  NetworkRoutes network;
  std::vector<double> capacity;
  std::vector<std::uint32_t> nic_number;            ///< by vertex
  FlatMap<Access> outward, inward;                  ///< by (endpoint's vertex, its NIC)
  FlatMap<std::optional<SubRoute>> nvlink, pcie;    ///< by (from, to)
};

Router::Impl::Impl(const Fabric& f, const RoutingSpec& s) : fabric(f), spec(s), network(f, spec, store) {
  for (const Link& l : f.links()) capacity.push_back(l.rate.value());
  number_nics();
}

/// NICs are numbered inside each connected part, leaf after leaf, so that those of a leaf follow each other: what makes
/// cyclic shifts free of conflicts under D-mod-k.
void Router::Impl::number_nics() {
  struct Place {
    std::uint32_t part;
    SwitchIndex leaf;
    std::uint32_t nic;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  const auto vertices = fabric.vertices();
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    const VertexKind kind = vertices[v].kind;
    if (kind != VertexKind::nic && kind != VertexKind::storage_nic && kind != VertexKind::storage_node_nic) continue;
    const LinkId up = uplink(VertexId(v));
    if (!up.valid()) continue;
    const SwitchIndex leaf = network.paths().graph().index(fabric.link(up).to);
    places.push_back({network.paths().built_component(leaf), leaf, v});
  }
  std::sort(places.begin(), places.end());
  nic_number.assign(vertices.size(), 0);
  for (std::size_t i = 1; i < places.size(); ++i)
    nic_number[places[i].nic] = places[i].part == places[i - 1].part ? nic_number[places[i - 1].nic] + 1 : 0;
}

LinkId Router::Impl::uplink(VertexId nic) const {
  for (LinkId l : fabric.out_links(nic))
    if (fabric.link(l).cable == CableClass::endpoint) return l;
  return LinkId();
}

/// Over the network of the storage nodes.
bool Router::Impl::storage_route(const Endpoint& from, const Endpoint& to) const {
  return fabric.has_storage() && (on_storage_network(from) || on_storage_network(to));
}

bool Router::Impl::exists(const Endpoint& e) const {
  if (!in_storage_node(e)) return true;
  if (e.node.value >= fabric.storage_nodes()) return false;
  return e.local < (e.kind == Endpoint::Kind::ssd ? fabric.storage_spec().ssds : fabric.storage_spec().nics);
}

VertexId Router::Impl::nic_of(const Endpoint& e, bool storage) const {
  if (in_storage_node(e)) return VertexId(fabric.vertex_of({Endpoint::Kind::storage_host, e.node, 0}).value + 1 + e.local % fabric.storage_spec().nics);
  if (storage || e.kind == Endpoint::Kind::storage_nic) return fabric.vertex_of({Endpoint::Kind::storage_nic, e.node, 0});
  return fabric.vertex_of({Endpoint::Kind::nic, e.node, e.local});
}

/// Breadth first over the buses of one node; only switches and, for PCIe, the host pass traffic on.
std::optional<std::vector<LinkId>> Router::Impl::bus_path(VertexId from, VertexId to, CableClass cable,
                                                          bool usable_only) const {
  struct Step {
    VertexId at;
    LinkId by;
    std::size_t before;
  };
  std::vector<Step> steps{{from, LinkId(), 0}};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].at == to) {
      std::vector<LinkId> path;
      for (std::size_t s = i; s != 0; s = steps[s].before) path.push_back(steps[s].by);
      std::reverse(path.begin(), path.end());
      return path;
    }
    const VertexKind kind = fabric.vertex(steps[i].at).kind;
    const bool passes_on = kind == VertexKind::nvswitch || kind == VertexKind::pcie_switch || kind == VertexKind::host ||
                           kind == VertexKind::storage_host;
    if (i != 0 && !passes_on) continue;
    for (LinkId l : fabric.out_links(steps[i].at)) {
      if (fabric.link(l).cable != cable || (usable_only && !network.paths().graph().usable(l))) continue;
      const VertexId next = fabric.link(l).to;
      if (std::none_of(steps.begin(), steps.end(), [&](const Step& s) { return s.at == next; }))
        steps.push_back({next, l, i});
    }
  }
  return std::nullopt;
}

const std::optional<SubRoute>& Router::Impl::bus_route(VertexId from, VertexId to, CableClass cable) {
  auto& known = cable == CableClass::nvlink ? nvlink : pcie;
  const std::uint64_t key = pair_key(from, to);
  if (const auto* r = known.find(key)) return *r;
  std::optional<SubRoute> result;
  if (const auto path = bus_path(from, to, cable, true)) {
    WEFT_CHECK(path->size() <= SubRoute::max_segments, "a path inside a node is longer than a route can hold");
    result.emplace();
    for (LinkId l : *path) result->segments[result->segment_count++] = network.of_link(l);
    // PCIe is bundled in the endpoint latency of the transport (Table 5 of arXiv:2505.09343 is measured end to end).
    if (cable == CableClass::nvlink) result->latency = fabric.node_spec().nvlink_store_latency.value;
  }
  return known.put(key, result);
}

const Router::Impl::Access& Router::Impl::access(const Endpoint& e, bool is_outward, bool storage) {
  auto& known = is_outward ? outward : inward;
  const VertexId end = fabric.vertex_of(e), nic = nic_of(e, storage);
  const std::uint64_t key = pair_key(end, nic);
  if (const Access* a = known.find(key)) return *a;
  Access a = e.kind == Endpoint::Kind::nic_switch ? access_of_switch(nic, is_outward) : access_by(end, nic, is_outward);
  const std::uint32_t others = in_storage_node(e) ? fabric.storage_spec().nics : 1;
  const VertexId first(nic.value - fabric.vertex(nic).local);
  for (std::uint32_t i = 1; i < others && !a.found; ++i) a = access_by(end, VertexId(first.value + (fabric.vertex(nic).local + i) % others), is_outward);
  return known.put(key, a);
}

Router::Impl::Access Router::Impl::access_by(VertexId end, VertexId nic, bool is_outward) {
  Access a;
  const SwitchGraph& graph = network.paths().graph();
  const LinkId up = uplink(nic);
  const auto bus = is_outward ? bus_path(end, nic, CableClass::pcie, true) : bus_path(nic, end, CableClass::pcie, true);
  if (bus && up.valid() && graph.usable(up)) {
    const LinkId wire = is_outward ? up : fabric.link(up).reverse;
    std::vector<Hop> hops{{wire, network.overhead(wire)}};
    for (LinkId l : *bus) hops.push_back({l, network.overhead(l)});
    a = {true, store.intern(hops), wire, graph.index(fabric.link(up).to), fabric.link(up).length, nic_number[nic.value]};
  }
  return a;
}

/// The switch itself: the NIC's cable is not crossed, but its length counts, so that what parts here is as late as what goes all the way.
Router::Impl::Access Router::Impl::access_of_switch(VertexId nic, bool is_outward) {
  const LinkId up = uplink(nic);
  if (!up.valid() || !network.paths().graph().usable(up)) return {};
  const Link& cable = fabric.link(up);
  return {true, SegmentId(), is_outward ? up : cable.reverse, network.paths().graph().index(cable.to), cable.length, nic_number[nic.value]};
}

bool Router::Impl::route(const Endpoint& from, const Endpoint& to, std::uint64_t flow_key, std::vector<SubRoute>* out) {
  if (!exists(from) || !exists(to)) return false;
  if (in_one_node(from, to)) return route_in_node(fabric.vertex_of(from), fabric.vertex_of(to), out);
  if (from == to) {
    if (out != nullptr) out->emplace_back();
    return true;
  }
  const bool storage = storage_route(from, to);
  // A NIC of the scale-out network is on no way to the storage nodes.
  if (storage && (of_scale_out(from) || of_scale_out(to))) return false;
  const Access& a = access(from, true, storage);
  const Access& b = access(to, false, storage);
  if (!a.found || !b.found || !network.paths().connected(a.at, b.at)) return false;
  if (out != nullptr) route_over_network(a, b, flow_key, *out);
  return true;
}

bool Router::Impl::route_in_node(VertexId from, VertexId to, std::vector<SubRoute>* out) {
  const bool gpus = fabric.vertex(from).kind == VertexKind::gpu && fabric.vertex(to).kind == VertexKind::gpu;
  const std::optional<SubRoute>* found = nullptr;
  if (gpus) found = &bus_route(from, to, CableClass::nvlink);
  if (found == nullptr || !*found) found = &bus_route(from, to, CableClass::pcie);
  if (!*found) return false;
  if (out != nullptr) {
    out->push_back(**found);
    if (from == to) out->back().latency = Seconds();
  }
  return true;
}

void Router::Impl::route_over_network(const Access& a, const Access& b, std::uint64_t flow_key,
                                      std::vector<SubRoute>& out) {
  switch (spec.policy) {
    case Policy::adaptive: out.push_back(assemble(a, network.sprayed(a.at, b.at), b, 1)); return;
    case Policy::static_dmodk: out.push_back(assemble(a, network.by_destination(a.at, b.at, b.number), b, 1)); return;
    case Policy::ecmp: break;
  }
  const std::uint64_t flow = hash_with(mix64(spec.seed), flow_key);
  for (std::uint32_t qp = 0; qp < spec.qps; ++qp)
    out.push_back(assemble(a, network.hashed(a.at, b.at, hash_with(flow, qp)), b, 1.0 / spec.qps));
}

SubRoute Router::Impl::assemble(const Access& a, const Middle& m, const Access& b, double share) const {
  const TransportSpec& t = fabric.transport(a.wire);
  SubRoute r;
  r.share = share;
  r.mean_switches = m.cables + 1;
  const Seconds per_switch =
      t.switch_latency.value + (spec.policy == Policy::adaptive ? t.adaptive_hop_latency.value : Seconds());
  r.latency = t.endpoint_latency.value + r.mean_switches * per_switch +
              (a.length + m.length + b.length) * t.cable_latency.value;
  if (a.segment.valid()) r.segments[r.segment_count++] = a.segment;
  for (std::uint32_t i = 0; i < m.count; ++i) r.segments[r.segment_count++] = m.segments[i];
  if (b.segment.valid()) r.segments[r.segment_count++] = b.segment;
  return r;
}

std::string Router::Impl::describe(VertexId end) const {
  const std::string name = fabric.name(end);
  const LinkId up = uplink(end);
  if (!up.valid()) return name;
  const std::string part = part_of(fabric.name(fabric.link(up).to));
  if (part.starts_with("plane")) return fmt::format("{} (plane {})", name, part.substr(5));
  return fmt::format("{} ({})", name, part);
}

/// Looks again as if nothing had failed, to tell a fabric that never had a path from one that lost it.
UserError Router::Impl::why_not(const Endpoint& from, const Endpoint& to) const {
  for (const Endpoint& e : {from, to})
    if (!exists(e)) return no_such_storage(e);
  const VertexId a = fabric.vertex_of(from), b = fabric.vertex_of(to);
  if (in_one_node(from, to)) {
    const bool ever = bus_path(a, b, CableClass::pcie, false).has_value();
    const std::string text = fmt::format("no path from {} to {}", fabric.name(a), fabric.name(b));
    if (ever) return UserError("/cluster/failed", text + ": the failed links cut every one", "repair one of them");
    return UserError("/cluster/topology", text + ": no bus of the node joins them");
  }
  const bool storage = storage_route(from, to);
  if (storage && (of_scale_out(from) || of_scale_out(to)))
    return UserError("/cluster/storage", fmt::format("no path from {} to {}: the storage nodes have a network of their own", fabric.name(a), fabric.name(b)),
                     "name the GPU or the host of the node: it takes the storage NIC");
  const VertexId nic_a = nic_of(from, storage), nic_b = nic_of(to, storage);
  const std::string text = fmt::format("no path from {} to {}", describe(nic_a), describe(nic_b));
  const LinkId up_a = uplink(nic_a), up_b = uplink(nic_b);
  for (const auto& [nic, up] : {std::pair(nic_a, up_a), std::pair(nic_b, up_b)})
    if (!up.valid())
      return UserError("/cluster/topology", fmt::format("{}: {} is attached to no switch", text, fabric.name(nic)),
                       "use a topology that attaches every NIC");
  const PathFinder& paths = network.paths();
  const VertexId leaf_a = fabric.link(up_a).to, leaf_b = fabric.link(up_b).to;
  if (paths.ever_connected(paths.graph().index(leaf_a), paths.graph().index(leaf_b)))
    return UserError("/cluster/failed", text + ": the failed links or switches cut every one",
                     storage ? "repair one of them" : "repair one of them, or let the node's other NICs carry what is lost (\"on_lost_nic\": \"rebalance\", or \"pxn\": true, where the workload has them)");
  if (storage)
    return UserError("/cluster/storage/topology", text + ": their switches are in parts of the network that share no cable", "use another kind");
  const bool planes = part_of(fabric.name(leaf_a)).starts_with("plane") && part_of(fabric.name(leaf_b)).starts_with("plane");
  const std::string why = planes ? "the planes of an MPFT share no cable"
                                 : fmt::format("their switches {} and {} are in parts of the network that share no cable",
                                               fabric.name(leaf_a), fabric.name(leaf_b));
  return UserError("/cluster/topology", text + ": " + why,
                   "forward over NVLink to a GPU whose NIC is in the right plane (\"pxn\": true), or use "
                   "\"kind\": \"mrft\"");
}

UserError Router::Impl::no_such_storage(const Endpoint& e) const {
  const bool ssd = e.kind == Endpoint::Kind::ssd;
  const std::string what = ssd ? fmt::format("SSD {}", e.local) : fmt::format("NIC {}", e.local);
  const std::string text = fmt::format("there is no {} of storage node {}", what, e.node.value);
  if (!fabric.has_storage()) return UserError("/cluster/storage", text + ": the cluster has no storage nodes", "give /cluster/storage");
  return UserError("/cluster/storage", fmt::format("{}: there are {} storage nodes with {} SSDs and {} NICs each", text, fabric.storage_nodes(),
                                                   fabric.storage_spec().ssds, fabric.storage_spec().nics),
                   "they are counted from 0");
}

Router::Router(const Fabric& fabric, const RoutingSpec& spec) : impl_(std::make_unique<Impl>(fabric, spec)) {}
Router::~Router() = default;
const Fabric& Router::fabric() const { return impl_->fabric; }
const RoutingSpec& Router::spec() const { return impl_->spec; }

void Router::route(const Endpoint& from, const Endpoint& to, std::uint64_t flow_key, std::vector<SubRoute>& out) {
  if (!impl_->route(from, to, flow_key, &out)) throw impl_->why_not(from, to);
}

bool Router::reachable(const Endpoint& from, const Endpoint& to) { return impl_->route(from, to, 0, nullptr); }

std::span<const Hop> Router::segment(SegmentId s) const { return impl_->store.get(s); }
std::size_t Router::segment_count() const { return impl_->store.size(); }

void Router::set_up(LinkId link, bool up) {
  impl_->network.set_up(link, up);
  impl_->outward.clear();
  impl_->inward.clear();
  impl_->nvlink.clear();
  impl_->pcie.clear();
}

bool Router::is_up(LinkId link) const { return impl_->network.paths().graph().is_up(link); }

BytesPerSecond Router::capacity(LinkId link) const {
  return BytesPerSecond(is_up(link) ? impl_->capacity[link.value] : 0.0);
}

void Router::set_capacity(LinkId link, BytesPerSecond rate) { impl_->capacity[link.value] = rate.value(); }

}  // namespace weft::topology
