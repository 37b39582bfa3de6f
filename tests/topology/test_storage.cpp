#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/support/storage_fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;
using topology::CableClass;
using topology::Fabric;
using topology::Policy;
using topology::Router;
using topology::VertexKind;

namespace {

const std::string mpft = R"({"kind": "mpft", "radix": 8})";

double rate(const Fabric& f, std::string_view name) { return f.link(link_named(f, name)).rate.value(); }

/// Names of the vertices on the way of a single path, the ends included.
std::vector<std::string> way(Router& r, const Endpoint& from, const Endpoint& to) {
  const Fabric& f = r.fabric();
  const auto all = routes(r, from, to);
  REQUIRE(all.size() == 1);
  std::set<LinkId> left;
  for (const auto& [l, share] : hops_of(r, all[0])) left.insert(l);
  VertexId at = f.vertex_of(from);
  std::vector<std::string> names{f.name(at)};
  while (!left.empty()) {
    const auto next = std::find_if(left.begin(), left.end(), [&](LinkId l) { return f.link(l).from == at; });
    REQUIRE(next != left.end());
    at = f.link(*next).to;
    left.erase(next);
    names.push_back(f.name(at));
  }
  CHECK(at == f.vertex_of(to));
  return names;
}

using Names = std::vector<std::string>;

std::string error_of(Router& r, const Endpoint& from, const Endpoint& to) {
  try {
    routes(r, from, to);
  } catch (const UserError& e) {
    return e.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a storage node is SSDs and NICs on its host, each direction of an SSD at its own rate") {
  const auto f = make_storage_fabric({.nodes = 3}, mpft, 2);
  CHECK(f.storage_nodes() == 3);
  CHECK(rate(f, "storage2.ssd15-storage2.host") == 6.2e9);
  CHECK(rate(f, "storage2.host-storage2.ssd15") == 4e9);
  CHECK(rate(f, "storage2.nic1-storage2.host") == doctest::Approx(28.8e9));
  // Two NICs of 200 Gbps a storage node, one of 400 Gbps a client.
  CHECK(rate(f, "storage2.nic1-storage_switch0") == 25e9);
  CHECK(rate(f, "storage_switch0-node1.storage_nic") == 50e9);
  CHECK_THROWS(vertex_named(f, "storage2.ssd16"));
  CHECK_THROWS(vertex_named(f, "storage2.nic2"));
  CHECK_THROWS(vertex_named(f, "storage3.host"));
  CHECK(f.vertex_of(ssd(1, 4)) == vertex_named(f, "storage1.ssd4"));
  CHECK(f.vertex_of(storage_host(1, 1)) == vertex_named(f, "storage1.host"));
  const auto graysort = make_storage_fabric({.node = "threefs_graysort"}, mpft, 2);
  CHECK(rate(graysort, "storage0.nic1-storage_switch0") == 50e9);
  CHECK(rate(graysort, "storage0.ssd15-storage0.host") == 6.2e9);
}

TEST_CASE("cables between storage switches run at the rate of the faster of the two kinds of NIC") {
  const std::string ft2 = R"({"kind": "ft2", "radix": 4})";
  CHECK(rate(make_storage_fabric({.topology = ft2}, mpft, 2), "storage_leaf0-storage_spine0#1") == 50e9);
  const auto slow_clients = make_storage_fabric({.node = "threefs_graysort", .topology = ft2}, mpft, 2,
                                                R"({"extends": "h800", "storage_nic_rate": "200 Gbps"})");
  CHECK(rate(slow_clients, "storage_leaf0-storage_spine0#1") == 50e9);
  CHECK(rate(slow_clients, "node0.storage_nic-storage_leaf0") == 25e9);
}

TEST_CASE("a read crosses SSD, host, storage network and storage NIC, and for a GPU host and PCIe switch behind it") {
  const auto f = make_storage_fabric({.nodes = 2}, mpft, 3);
  Router r(f, {});
  CHECK(way(r, ssd(1, 5), host(2)) ==
        Names{"storage1.ssd5", "storage1.host", "storage1.nic1", "storage_switch0", "node2.storage_nic", "node2.host"});
  CHECK(way(r, ssd(1, 4), gpu(2, 6)) == Names{"storage1.ssd4", "storage1.host", "storage1.nic0", "storage_switch0", "node2.storage_nic",
                                              "node2.host", "node2.pcie6", "node2.gpu6"});
  CHECK(way(r, gpu(0, 3), ssd(0, 1)) == Names{"node0.gpu3", "node0.pcie3", "node0.host", "node0.storage_nic", "storage_switch0",
                                              "storage0.nic1", "storage0.host", "storage0.ssd1"});
  CHECK(way(r, storage_host(0, 1), storage_nic(0)) == Names{"storage0.host", "storage0.nic1", "storage_switch0", "node0.storage_nic"});
  CHECK(way(r, ssd(0, 2), ssd(1, 3)) ==
        Names{"storage0.ssd2", "storage0.host", "storage0.nic0", "storage_switch0", "storage1.nic1", "storage1.host", "storage1.ssd3"});
  CHECK(way(r, ssd(0, 2), storage_host(0)) == Names{"storage0.ssd2", "storage0.host"});
  CHECK(way(r, ssd(0, 2), ssd(0, 3)) == Names{"storage0.ssd2", "storage0.host", "storage0.ssd3"});
  CHECK(way(r, storage_nic(0), storage_nic(2)) == Names{"node0.storage_nic", "storage_switch0", "node2.storage_nic"});
  CHECK(way(r, storage_nic(0), gpu(1, 2)) ==
        Names{"node0.storage_nic", "storage_switch0", "node1.storage_nic", "node1.host", "node1.pcie2", "node1.gpu2"});
  // Host memory of two nodes with GPUs still takes the NICs of the scale-out network.
  CHECK(way(r, host(0, 3), host(1, 3)) ==
        Names{"node0.host", "node0.pcie3", "node0.nic3", "plane3.leaf0", "node1.nic3", "node1.pcie3", "node1.host"});
  CHECK(routes(r, ssd(0, 2), ssd(0, 2)).at(0).segment_count == 0);
}

TEST_CASE("latency is that of the storage network's transport: ends, switches, cables") {
  // One switch: 2.42 + 0.35 us + 2 x 3 m x 5 ns/m = 2.80 us.
  const auto one = make_storage_fabric({}, mpft, 2, "h800", "infiniband");
  Router a(one, {});
  CHECK(routes(a, ssd(0), host(0)).at(0).latency.value() == doctest::Approx(2.80e-6));
  CHECK(routes(a, ssd(0), storage_host(0)).at(0).latency.value() == 0);
  // Two leaves of two NICs and a spine: 2.42 + 3 x 0.35 us + (2 x 3 + 2 x 20) m x 5 ns/m = 3.70 us.
  const auto two = make_storage_fabric({.topology = R"({"kind": "ft2", "radix": 4})"}, mpft, 2, "h800", "infiniband");
  Router b(two, {});
  CHECK(routes(b, ssd(0), host(0)).at(0).latency.value() == doctest::Approx(3.70e-6));
  CHECK(routes(b, ssd(0), host(0)).at(0).mean_switches == 3);
  // 26 of 4,122 B are headers on InfiniBand, 82 of 4,178 on RoCE; PCIe has none.
  const auto mixed = make_storage_fabric({.transport = "roce"}, mpft, 2, "h800", "infiniband");
  Router c(mixed, {});
  const auto share = [&](const Endpoint& from, const Endpoint& to, std::string_view link) {
    return hops_of(c, routes(c, from, to).at(0)).at(link_named(mixed, link));
  };
  CHECK(share(ssd(0), host(0), "storage_switch0-node0.storage_nic") == doctest::Approx(4178.0 / 4096));
  CHECK(share(ssd(0), host(0), "storage0.ssd0-storage0.host") == 1);
  CHECK(share(gpu(0), gpu(1), "node0.nic0-plane0.leaf0") == doctest::Approx(4122.0 / 4096));
  CHECK(mixed.transport(link_named(mixed, "storage_switch0-node0.storage_nic")).name == "roce");
  CHECK(mixed.transport(link_named(mixed, "node0.nic0-plane0.leaf0")).name == "infiniband");
}

TEST_CASE("storage nodes change nothing of the scale-out network: ids, rates, counts, parts and routes stay") {
  for (const char* kind : {R"({"kind": "mpft", "radix": 8})", R"({"kind": "ft3", "radix": 8})",
                           R"({"kind": "dragonfly", "p": 4, "a": 4, "h": 2, "g": 9})"}) {
    CAPTURE(kind);
    const std::uint32_t nodes = 9;
    const auto without = make_fabric(kind, nodes, "h800", "infiniband");
    const auto with = make_storage_fabric({.nodes = 4, .topology = R"({"kind": "dragonfly", "p": 1, "a": 4, "h": 2, "g": 9})"}, kind, nodes,
                                          "h800", "infiniband");
    CHECK(with.count() == without.count());
    CHECK(with.components() == without.components());
    CHECK(with.switch_diameter() == without.switch_diameter());
    CHECK(with.minimal_within_groups() == without.minimal_within_groups());
    CHECK(with.storage_minimal_within_groups());
    CHECK_FALSE(without.has_storage());
    CHECK(without.count_storage() == topology::Counts{});
    REQUIRE(with.vertices().size() > without.vertices().size());
    for (std::uint32_t v = 0; v < without.vertices().size(); ++v) {
      REQUIRE(with.name(VertexId(v)) == without.name(VertexId(v)));
      REQUIRE(with.vertex(VertexId(v)).group == without.vertex(VertexId(v)).group);
      REQUIRE_FALSE(with.in_storage_network(VertexId(v)));
    }
    for (std::uint32_t l = 0; l < without.links().size(); ++l) {
      const auto &a = with.links()[l], &b = without.links()[l];
      REQUIRE(a.from == b.from);
      REQUIRE(a.to == b.to);
      REQUIRE(a.rate == b.rate);
      REQUIRE_FALSE(with.in_storage_network(LinkId(l)));
    }
    for (const Policy policy : {Policy::adaptive, Policy::ecmp, Policy::static_dmodk}) {
      for (const auto paths : {topology::PathChoice::minimal, topology::PathChoice::valiant}) {
        Router r(with, {.policy = policy, .paths = paths}), s(without, {.policy = policy, .paths = paths});
        for (const auto& [from, to] : {std::pair(gpu(0, 2), gpu(8, 2)), {gpu(3, 1), gpu(4, 1)}, {gpu(1, 0), gpu(1, 5)}}) {
          REQUIRE(hops_of(r, routes(r, from, to, 7).at(0)) == hops_of(s, routes(s, from, to, 7).at(0)));
          REQUIRE(routes(r, from, to, 7).at(0).latency == routes(s, from, to, 7).at(0).latency);
        }
      }
    }
  }
}

TEST_CASE("any kind of topology can join the storage nodes: counted as built, all NICs reach each other over its switches alone") {
  const auto data = DataPlaces::standard();
  for (const auto& kind : topology::topology_kinds()) {
    CAPTURE(kind.name);
    std::string text = "{\"kind\": \"" + kind.name + "\"}";
    const std::uint32_t clients = 9, nodes = 8, nics = clients + 2 * nodes;
    const auto f = make_storage_fabric({.nodes = nodes, .topology = text}, mpft, clients);
    CHECK(f.count_storage() == counts(text, nics, 1));
    CHECK(f.count_storage().endpoints == nics);
    for (const Policy policy : {Policy::adaptive, Policy::ecmp, Policy::static_dmodk}) {
      for (const auto paths : {topology::PathChoice::minimal, topology::PathChoice::valiant}) {
        Router r(f, {.policy = policy, .paths = paths});
        for (std::uint32_t n = 0; n < clients; ++n) {
          for (std::uint32_t s = 0; s < nodes; ++s) {
            for (const auto& [from, to] : {std::pair(ssd(s, n), host(n)), {host(n), ssd(s, n)}, {ssd(s, n), ssd((s + 1) % nodes, n)}}) {
              const auto found = routes(r, from, to, n);
              REQUIRE(found.size() == 1);
              for (const auto& [l, share] : hops_of(r, found[0])) {
                const auto& link = f.link(l);
                const bool between = f.vertex(link.from).kind == VertexKind::net_switch || f.vertex(link.to).kind == VertexKind::net_switch;
                if (between) REQUIRE(f.in_storage_network(l));
                REQUIRE(f.vertex(link.from).kind != VertexKind::nic);
              }
            }
          }
        }
      }
    }
  }
}

TEST_CASE("parts of storage nodes fail by name; a node whose NIC is lost uses its other one") {
  const auto lost = make_storage_fabric({.nodes = 2}, mpft, 2, "h800", "ideal", {"storage1.nic1", "storage0.ssd3"});
  Router r(lost, {});
  CHECK(way(r, ssd(1, 5), host(0)) ==
        Names{"storage1.ssd5", "storage1.host", "storage1.nic0", "storage_switch0", "node0.storage_nic", "node0.host"});
  CHECK(error_of(r, ssd(0, 3), host(0)).starts_with("/cluster/failed: no path from storage0.nic1 (storage_switch0) to node0.storage_nic"));
  CHECK(error_of(r, ssd(0, 3), storage_host(0)).starts_with("/cluster/failed: no path from storage0.ssd3 to storage0.host"));
  CHECK(error_of(r, ssd(0, 5), host(0)) == "none");

  const auto gone = make_storage_fabric({.nodes = 2}, mpft, 2, "h800", "ideal", {"storage1"});
  Router g(gone, {});
  for (std::uint32_t i = 0; i < 16; ++i) CHECK_FALSE(g.reachable(ssd(1, i), host(0)));
  CHECK(g.reachable(ssd(0, 1), gpu(1, 1)));
  // 16 SSDs and 2 NICs on the bus, 2 NICs on the switch, both directions each.
  CHECK(topology::links_named(gone, "storage1").size() == 2 * (16 + 2 + 2));
  CHECK(topology::links_named(gone, "storage_switch0").size() == 2 * (2 + 4));
  CHECK(topology::links_named(gone, "storage1.nic0-storage_switch0").size() == 2);
  CHECK(topology::links_named(gone, "storage2").empty());

  const auto cut = make_storage_fabric({.nodes = 2, .topology = R"({"kind": "mpft", "radix": 4})"}, mpft, 2, "h800", "ideal", {"storage_plane0"});
  Router c(cut, {});
  CHECK(error_of(c, ssd(0), host(0)).starts_with("/cluster/failed"));
  CHECK(c.reachable(gpu(0, 0), gpu(1, 0)));
  CHECK_THROWS_WITH_AS(make_storage_fabric({.nodes = 2}, mpft, 2, "h800", "ideal", {"storage1.ssd16"}),
                       doctest::Contains("did you mean \"storage1.ssd1"), UserError);
  CHECK_THROWS_WITH_AS(make_storage_fabric({.nodes = 2}, mpft, 2, "h800", "ideal", {"storage2"}), doctest::Contains("the fabric has no \"storage2\""),
                       UserError);
}

TEST_CASE("ends that do not exist, and NICs of the other network, are refused in words") {
  const auto f = make_storage_fabric({.nodes = 2}, mpft, 2);
  Router r(f, {});
  CHECK(error_of(r, ssd(2), host(0)) ==
        "/cluster/storage: there is no SSD 0 of storage node 2: there are 2 storage nodes with 16 SSDs and 2 NICs each (they are counted from 0)");
  CHECK(error_of(r, ssd(0, 16), host(0)).find("no SSD 16 of storage node 0") != std::string::npos);
  CHECK(error_of(r, host(0), storage_host(1, 2)).find("no NIC 2 of storage node 1") != std::string::npos);
  CHECK(error_of(r, nic(0, 1), ssd(0)) ==
        "/cluster/storage: no path from node0.nic1 to storage0.ssd0: the storage nodes have a network of their own (name the GPU or the host of the "
        "node: it takes the storage NIC)");
  CHECK_FALSE(r.reachable(ssd(0), nic(0)));
  CHECK_FALSE(r.reachable(ssd(7), gpu(0)));
  const auto without = make_fabric(mpft, 2);
  Router w(without, {});
  CHECK(error_of(w, ssd(0), host(0)).starts_with("/cluster/storage: there is no SSD 0 of storage node 0: the cluster has no storage nodes"));
  CHECK_FALSE(w.reachable(ssd(0), host(0)));
}

TEST_CASE("the default network is one switch up to 64 NICs, two layers up to 2,048, then three") {
  CHECK(topology::default_storage_topology(64)["kind"] == "single_switch");
  CHECK(topology::default_storage_topology(65)["kind"] == "ft2");
  CHECK(topology::default_storage_topology(2048)["kind"] == "ft2");
  CHECK(topology::default_storage_topology(2049)["kind"] == "ft3");
}

TEST_CASE("every constant of the shipped storage nodes has a source, and mistakes in one are named") {
  const auto data = DataPlaces::standard();
  const auto spec_of = [&](const Json& json, Problems& problems) {
    return topology::read_storage_spec(JsonReader(json, "s.json", problems, "/cluster/storage/node"), data);
  };
  const auto names = data.names("topology/data/storage");
  CHECK(names.size() >= 2);
  for (const auto& name : names) {
    Problems problems;
    const auto used = topology::constants_of(spec_of(name, problems));
    problems.throw_if_any();
    CHECK(used.size() == 5);
    for (const auto& c : used) CHECK_FALSE(c.source.empty());
  }
  Problems changed;
  const auto s = spec_of(Json{{"extends", "threefs_2025"}, {"ssds", 8}, {"ssd_read", "7 GB/s"}, {"ssd_read_iops", 800000}}, changed);
  CHECK(changed.empty());
  CHECK(s.ssds == 8);
  CHECK(s.ssd_read.value.value() == 7e9);
  CHECK(s.ssd_read_iops.value == 800000);
  CHECK(s.ssd_read_iops.origin == Origin::assumed);
  CHECK(s.nic_rate.origin == Origin::published);
  for (const char* key : {"ssds", "nics", "ssd_read", "ssd_read_iops", "nic_rate", "ssd_speed"}) {
    CAPTURE(key);
    Problems problems;
    spec_of(Json{{"extends", "threefs_2025"}, {key, 0}}, problems);
    REQUIRE(problems.list().size() == 1);
    CHECK(problems.list()[0].place == std::string("/cluster/storage/node/") + key);
  }
  Problems unknown;
  spec_of("threefs_2024", unknown);
  REQUIRE(unknown.list().size() == 1);
  CHECK(unknown.list()[0].hint.find("threefs_2025") != std::string::npos);
}
