// Routes on every kind of fabric: whole, live, the same each time, and clear about it where there are none.
#include <cmath>
#include <set>

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/support/fabrics.h"

using namespace weft;
using namespace weft::testing;
using topology::Fabric;
using topology::PathChoice;
using topology::Policy;
using topology::Router;
using topology::RoutingSpec;
using topology::VertexKind;

namespace {

/// Small fabrics of all kinds under ideal wires, so that shares are payload.
const std::vector<Fabric>& small_fabrics() {
  static const std::vector<Fabric> all = [] {
    std::vector<Fabric> v;
    v.push_back(make_fabric(R"({"kind": "mpft", "radix": 8, "planes": 8})", 16));
    v.push_back(make_fabric(R"({"kind": "mrft", "radix": 16, "rails": 8})", 16));
    v.push_back(make_fabric(R"({"kind": "ft3", "radix": 4})", 16, "endpoint"));
    v.push_back(make_fabric(R"({"kind": "ft2", "radix": 8})", 16, "endpoint"));
    v.push_back(make_fabric(R"({"kind": "slim_fly", "q": 5})", 200, "endpoint"));
    v.push_back(make_fabric(R"({"kind": "dragonfly", "p": 2, "a": 4, "h": 2})", 72, "endpoint"));
    return v;
  }();
  return all;
}

RoutingSpec any_spec() {
  RoutingSpec s;
  s.policy = *rc::gen::element(Policy::adaptive, Policy::ecmp, Policy::static_dmodk);
  s.paths = *rc::gen::element(PathChoice::minimal, PathChoice::valiant, PathChoice::ugal);
  s.ugal_minimal_share = *rc::gen::element(0.0, 0.25, 1.0);
  s.qps = *rc::gen::inRange(1u, 5u);
  s.seed = *rc::gen::arbitrary<std::uint64_t>();
  return s;
}

Endpoint any_end(const Fabric& f) {
  const auto kind = *rc::gen::element(Endpoint::Kind::gpu, Endpoint::Kind::nic);
  return {kind, NodeId(*rc::gen::inRange(0u, f.placement().nodes())), *rc::gen::inRange(0u, f.placement().gpus_per_node())};
}

/// What leaves each vertex less what comes in is +1 at the source, -1 at the target and 0 between: shares of any cut sum
/// to one and paths have no holes. All links are up.
void check_whole(Router& r, const std::vector<topology::SubRoute>& found, const Endpoint& from, const Endpoint& to) {
  const Fabric& f = r.fabric();
  double shares = 0;
  for (const auto& s : found) {
    shares += s.share;
    std::map<VertexId, double> balance;
    double network = 0;
    for (const auto& [link, share] : hops_of(r, s)) {
      RC_ASSERT(share > 0);
      RC_ASSERT(r.is_up(link));
      balance[f.link(link).from] += share;
      balance[f.link(link).to] -= share;
      if (f.link(link).cable != topology::CableClass::pcie && f.link(link).cable != topology::CableClass::nvlink) network += share;
    }
    if (from != to) {
      balance[f.vertex_of(from)] -= 1;
      balance[f.vertex_of(to)] += 1;
    }
    for (const auto& [vertex, rest] : balance) RC_ASSERT(std::abs(rest) < 1e-9);
    if (network > 0) RC_ASSERT(std::abs(network - 1 - s.mean_switches) < 1e-9);
  }
  RC_ASSERT(std::abs(shares - 1) < 1e-12);
}

template <class Property>
void holds(const char* what, const Property& property) {
  CHECK_MESSAGE(rc::check(what, property), what);
}

std::string error_of(Router& r, const Endpoint& a, const Endpoint& b) {
  try {
    routes(r, a, b);
  } catch (const UserError& e) {
    CHECK_FALSE(r.reachable(a, b));
    return e.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("every route is whole, whatever the fabric, the policy and the path choice") {
  holds("routes are whole", [] {
    const Fabric& f = small_fabrics()[*rc::gen::inRange<std::size_t>(0, small_fabrics().size())];
    Router r(f, any_spec());
    const Endpoint from = any_end(f), to = any_end(f);
    RC_PRE(r.reachable(from, to));
    check_whole(r, routes(r, from, to, *rc::gen::arbitrary<std::uint64_t>()), from, to);
  });
}

TEST_CASE("routes go around what has failed, and exist as long as anything is left") {
  holds("routes fail over", [] {
    const Fabric& f = small_fabrics()[*rc::gen::inRange<std::size_t>(2, small_fabrics().size())];
    Router r(f, any_spec());
    const Endpoint from = any_end(f), to = any_end(f);
    routes(r, from, to);
    std::vector<std::uint8_t> dead(f.vertices().size(), 0);
    const auto failures = *rc::gen::inRange(1, 12);
    for (int i = 0; i < failures; ++i) {
      const auto v = *rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(f.vertices().size()));
      if (f.vertex(VertexId(v)).kind != VertexKind::net_switch) continue;
      take_down(r, VertexId(v));
      dead[v] = 1;
    }
    // An own search over the live switches.
    const auto leaf = [&](const Endpoint& e) { return f.switch_of_nic(f.vertex_of(nic(e.node.value, e.local))); };
    std::vector<VertexId> seen{leaf(from)};
    std::vector<std::uint8_t> mark(f.vertices().size(), 0);
    mark[seen[0].value] = 1;
    for (std::size_t i = 0; i < seen.size(); ++i)
      for (LinkId l : f.out_links(seen[i])) {
        const VertexId to_vertex = f.link(l).to;
        if (f.vertex(to_vertex).kind != VertexKind::net_switch || dead[to_vertex.value] || mark[to_vertex.value]) continue;
        mark[to_vertex.value] = 1;
        seen.push_back(to_vertex);
      }
    const bool alive = !dead[leaf(from).value] && mark[leaf(to).value];
    if (from.node == to.node) return;
    RC_ASSERT(r.reachable(from, to) == alive);
    if (alive) check_whole(r, routes(r, from, to), from, to);
  });
}

TEST_CASE("two routers asked in different orders give the same routes") {
  holds("routes are deterministic", [] {
    const Fabric& f = small_fabrics()[*rc::gen::inRange<std::size_t>(0, small_fabrics().size())];
    const RoutingSpec spec = any_spec();
    Router a(f, spec), b(f, spec);
    const Endpoint from = any_end(f), to = any_end(f), other = any_end(f);
    RC_PRE(a.reachable(from, to));
    if (b.reachable(other, to)) routes(b, other, to, 1);
    if (b.reachable(to, from)) routes(b, to, from, 2);
    const auto x = routes(a, from, to, 3), y = routes(b, from, to, 3);
    RC_ASSERT(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      RC_ASSERT(x[i].latency == y[i].latency);
      RC_ASSERT(hops_of(a, x[i]) == hops_of(b, y[i]));
    }
  });
}

TEST_CASE("a spray weighs all cables of a leaf alike") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 256);
  Router r(f, {});
  int uplinks = 0, downlinks = 0;
  for (const auto& [link, share] : hops_of(r, routes(r, gpu(0, 4), gpu(255, 4)).at(0))) {
    if (f.link(link).cable != topology::CableClass::long_haul) continue;
    CHECK(share == 1.0 / 32);
    ++(f.vertex(f.link(link).to).tier == 1 ? uplinks : downlinks);
  }
  CHECK(uplinks == 32);
  CHECK(downlinks == 32);
}

TEST_CASE("leaves share their segments: an all-to-all of 2,048 GPUs needs few") {
  for (const char* kind : {R"({"kind": "mpft"})", R"({"kind": "mrft"})"}) {
    const auto f = make_fabric(kind, 256);
    Router r(f, {});
    std::vector<topology::SubRoute> out;
    for (std::uint32_t a = 0; a < 256; ++a)
      for (std::uint32_t b = 0; b < 256; ++b) {
        out.clear();
        for (std::uint32_t i = 0; i < 8; ++i) r.route(gpu(a, i), gpu(b, i), 0, out);
      }
    // Two per GPU and two per leaf.
    CHECK(r.segment_count() == 2 * 2048 + 2 * 64);
  }
}

TEST_CASE("inside a node GPUs talk over NVLink, and reach another NIC over PCIe through the host") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 2);
  Router r(f, {});
  const auto kinds = [&](const Endpoint& a, const Endpoint& b) {
    std::multiset<VertexKind> passed;
    for (const auto& [link, share] : hops_of(r, routes(r, a, b).at(0))) passed.insert(f.vertex(f.link(link).to).kind);
    return passed;
  };
  CHECK(kinds(gpu(0, 1), gpu(0, 6)) == std::multiset{VertexKind::nvswitch, VertexKind::gpu});
  CHECK(kinds(gpu(0, 1), nic(0, 1)) == std::multiset{VertexKind::pcie_switch, VertexKind::nic});
  CHECK(kinds(gpu(0, 1), nic(0, 6)) ==
        std::multiset{VertexKind::pcie_switch, VertexKind::host, VertexKind::pcie_switch, VertexKind::nic});
  CHECK(kinds(nic(0, 6), gpu(0, 1)).size() == 4);
  const Endpoint host{Endpoint::Kind::host, NodeId(0), 0}, storage{Endpoint::Kind::storage_nic, NodeId(0), 0};
  CHECK(kinds(storage, gpu(0, 3)) == std::multiset{VertexKind::host, VertexKind::pcie_switch, VertexKind::gpu});
  CHECK(kinds(host, gpu(1, 0)).count(VertexKind::net_switch) == 1);
  CHECK(routes(r, gpu(0, 3), gpu(0, 3)).at(0).segment_count == 0);
}

TEST_CASE("without NVLink the GPUs of a node talk over PCIe") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 2);
  Router r(f, {});
  take_down(r, vertex_named(f, "node0.nvswitch"));
  CHECK(hops_of(r, routes(r, gpu(0, 1), gpu(0, 6)).at(0)).size() == 4);
  CHECK(hops_of(r, routes(r, gpu(1, 1), gpu(1, 6)).at(0)).size() == 2);
}

TEST_CASE("what was handed out stays as it is when the fabric changes") {
  const auto f = make_fabric(R"({"kind": "mrft"})", 64);
  Router r(f, {});
  const auto before = routes(r, gpu(0), gpu(32)).at(0);
  const auto hops = hops_of(r, before);
  const auto span = r.segment(before.segments[1]);
  take_down(r, vertex_named(f, "spine3"));
  const auto after = routes(r, gpu(0), gpu(32)).at(0);
  CHECK(hops_of(r, before) == hops);
  CHECK(r.segment(before.segments[1]).data() == span.data());
  CHECK(hops_of(r, after).size() < hops.size());
  for (LinkId l : f.out_links(vertex_named(f, "spine3"))) {
    CHECK(r.capacity(l).value() == 0);
    r.set_up(l, true);
    r.set_up(f.link(l).reverse, true);
    CHECK(r.capacity(l) == f.link(l).rate);
  }
  CHECK(hops_of(r, routes(r, gpu(0), gpu(32)).at(0)) == hops);
  r.set_capacity(LinkId(0), BytesPerSecond(7));
  CHECK(r.capacity(LinkId(0)).value() == 7);
}

TEST_CASE("planes that share no cable are the topology's fault, lost cables are the failures'") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 64);
  Router r(f, {});
  CHECK(error_of(r, gpu(0, 0), gpu(1, 1)) ==
        "/cluster/topology: no path from node0.nic0 (plane 0) to node1.nic1 (plane 1): the planes of an MPFT share no cable "
        "(forward over NVLink to a GPU whose NIC is in the right plane (\"pxn\": true), or use \"kind\": \"mrft\")");
  take_down(r, vertex_named(f, "plane2.leaf1"));
  CHECK(error_of(r, gpu(0, 2), gpu(32, 2)).starts_with("/cluster/failed: no path from node0.nic2 (plane 2) to node32.nic2 (plane 2)"));
  CHECK(error_of(r, gpu(0, 1), gpu(32, 2)).starts_with("/cluster/topology"));
  CHECK(error_of(r, gpu(0, 2), gpu(1, 2)) == "none");
  const auto broken = make_fabric(R"({"kind": "mrft"})", 4, "h800", "ideal", {"node1.nic3"});
  Router b(broken, {});
  CHECK(error_of(b, gpu(0, 3), gpu(1, 3)).starts_with("/cluster/failed"));
  CHECK(error_of(b, gpu(0, 3), gpu(2, 3)) == "none");
  CHECK(error_of(b, {Endpoint::Kind::storage_nic, NodeId(0), 0}, {Endpoint::Kind::storage_nic, NodeId(1), 0})
            .starts_with("/cluster/topology: no path from node0.storage_nic to node1.storage_nic: node0.storage_nic is attached to no"));
}

TEST_CASE("a routing object is read with its defaults, and mistakes in it are named") {
  const auto read = [](const char* text, Problems& problems) {
    const Json json = parse_json(text, "");
    return topology::read_routing_spec(JsonReader(json, "s.json", problems, "/cluster/routing"));
  };
  Problems none;
  CHECK(read("{}", none).policy == Policy::adaptive);
  const RoutingSpec s = read(R"({"policy": "ecmp", "qps": 4, "paths": "ugal", "ugal_minimal_share": 0.5})", none);
  CHECK(s.policy == Policy::ecmp);
  CHECK(s.qps == 4);
  CHECK(s.paths == PathChoice::ugal);
  CHECK(s.ugal_minimal_share == 0.5);
  CHECK(read(R"({"policy": "static"})", none).policy == Policy::static_dmodk);
  CHECK(none.empty());
  for (const char* bad : {R"("ecmp")", R"({"policy": "emcp"})", R"({"qps": 0})", R"({"paths": "longest"})", R"({"queue_pairs": 2})",
                          R"({"ugal_minimal_share": 0.5})", R"({"paths": "ugal", "ugal_minimal_share": 1.5})", R"({"paths": "ugal"})"}) {
    CAPTURE(bad);
    Problems problems;
    read(bad, problems);
    CHECK(problems.list().size() == 1);
  }
  Problems problems;
  read(R"({"paths": "ugal"})", problems);
  CHECK(problems.list().at(0).place == "/cluster/routing/ugal_minimal_share");
  CHECK(problems.list().at(0).message.find("share of traffic on minimal paths") != std::string::npos);
}
