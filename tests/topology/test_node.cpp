#include <doctest/doctest.h>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;
using topology::CableClass;

namespace {

const topology::Link& only_link(const topology::Fabric& f, std::string_view from, std::string_view to) {
  const VertexId a = vertex_named(f, from), b = vertex_named(f, to);
  REQUIRE(parallel(f, a, b) == 1);
  for (LinkId l : f.out_links(a))
    if (f.link(l).to == b) return f.link(l);
  throw std::logic_error("counted above");
}

}  // namespace

TEST_CASE("an H800 node is GPUs on NVSwitch at 200 GB/s and PCIe at 57.6 GB/s, NICs at 50 GB/s") {
  const auto f = make_fabric(R"({"kind": "mpft", "radix": 8})", 2, "h800", "infiniband");
  CHECK(only_link(f, "node1.gpu3", "node1.nvswitch").rate.value() == 200e9);
  CHECK(only_link(f, "node1.gpu3", "node1.pcie3").rate.value() == doctest::Approx(57.6e9));
  CHECK(only_link(f, "node1.pcie3", "node1.nic3").rate.value() == doctest::Approx(57.6e9));
  CHECK(only_link(f, "node1.pcie3", "node1.host").cable == CableClass::pcie);
  const auto& up = only_link(f, "node1.nic3", "plane3.leaf0");
  CHECK(up.rate.value() == 50e9);
  CHECK(up.cable == CableClass::endpoint);
  CHECK(up.length.value() == 3);
  // 63.0 GB/s of a PCIe 5.0 x16 port, 256 of 280 B payload; written with three digits.
  CHECK(f.node_spec().pcie_rate.value.value() == doctest::Approx(32e9 * 16 / 8 * 128 / 130 * 256 / 280).epsilon(0.05 / 57.6));
}

TEST_CASE("the storage NIC hangs on the host, belongs to no plane and is no component of its own") {
  const auto f = make_fabric(R"({"kind": "mpft", "radix": 8})", 2);
  const VertexId storage = f.vertex_of({Endpoint::Kind::storage_nic, NodeId(1), 0});
  CHECK(f.name(storage) == "node1.storage_nic");
  CHECK_FALSE(f.uplink_of_nic(storage).valid());
  CHECK_FALSE(f.switch_of_nic(storage).valid());
  CHECK(parallel(f, storage, f.vertex_of({Endpoint::Kind::host, NodeId(1), 0})) == 1);
  CHECK(f.components() == 8);
  CHECK(f.count().endpoints == 16);
}

TEST_CASE("two GPUs and two NICs behind one PCIe switch, as on HGX boards") {
  Problems problems;
  const auto spec = node_of(Json{{"extends", "h800"}, {"nics_per_pcie_switch", 2}});
  const auto t = read_text(R"({"kind": "mpft", "radix": 8})", 1);
  const auto f = topology::build_fabric(*t.topology, spec, transport_of("ideal"), 1);
  only_link(f, "node0.gpu6", "node0.pcie3");
  only_link(f, "node0.gpu7", "node0.pcie3");
  only_link(f, "node0.nic7", "node0.pcie3");
  CHECK_THROWS(vertex_named(f, "node0.pcie4"));
}

TEST_CASE("the endpoint node has one GPU, one NIC and no NVLink") {
  const auto f = make_fabric(R"({"kind": "ft2", "radix": 8})", 3, "endpoint");
  CHECK(f.placement().ranks() == 3);
  CHECK_THROWS(vertex_named(f, "node0.nvswitch"));
  CHECK_THROWS(vertex_named(f, "node0.storage_nic"));
}

TEST_CASE("a node that extends another keeps what it does not give, and says where each constant comes from") {
  const auto spec = node_of(Json{{"extends", "h800"}, {"nic_rate", "200 Gbps"}});
  CHECK(spec.nic_rate.value.value() == 25e9);
  CHECK(spec.nic_rate.origin == Origin::assumed);
  CHECK(spec.nvlink_rate.value.value() == 200e9);
  CHECK(spec.nvlink_rate.origin == Origin::published);
  const auto used = topology::constants_of(spec);
  CHECK(used.size() == 6);
  for (const auto& c : used) CHECK_FALSE(c.source.empty());
}

TEST_CASE("every constant of the shipped nodes and transports has a source") {
  const auto data = DataPlaces::standard();
  for (const auto& name : data.names("topology/data/nodes"))
    for (const auto& c : topology::constants_of(node_of(name))) CHECK_FALSE(c.source.empty());
  for (const auto& name : data.names("topology/data/transports")) {
    const auto used = topology::constants_of(transport_of(name));
    CHECK(used.size() == 9);
    for (const auto& c : used) CHECK_FALSE(c.source.empty());
  }
}

TEST_CASE("headers cost 26 B of 4 KiB on InfiniBand and 82 B on RoCE") {
  CHECK(transport_of("infiniband").wire_efficiency() == doctest::Approx(0.9937).epsilon(5e-5));
  CHECK(transport_of("roce").wire_efficiency() == doctest::Approx(0.9804).epsilon(5e-5));
  CHECK(transport_of("ideal").wire_efficiency() == 1.0);
}

TEST_CASE("a CPU with a link of its own to each GPU: between these two all goes that way, and to NICs by PCIe as before") {
  const auto f = make_fabric(R"({"kind": "mpft", "radix": 8})", 2, R"({"extends": "h800", "cpu_link_rate": "450 GB/s"})");
  CHECK(only_link(f, "node1.gpu3", "node1.host").rate.value() == 450e9);
  topology::Router router(f, {});
  const auto links = [&](const Endpoint& from, const Endpoint& to) {
    std::vector<std::string> names;
    for (const auto& [link, share] : hops_of(router, routes(router, from, to).at(0))) names.push_back(f.name(f.link(link).from));
    return names;
  };
  const Endpoint host{Endpoint::Kind::host, NodeId(1), 0}, gpu{Endpoint::Kind::gpu, NodeId(1), 3}, nic{Endpoint::Kind::nic, NodeId(1), 3};
  CHECK(links(host, gpu) == std::vector<std::string>{"node1.host"});
  CHECK(links(gpu, host) == std::vector<std::string>{"node1.gpu3"});
  CHECK(links(gpu, nic) == std::vector<std::string>{"node1.gpu3", "node1.pcie3"});
  const auto plain = make_fabric(R"({"kind": "mpft", "radix": 8})", 1);
  CHECK(parallel(plain, vertex_named(plain, "node0.gpu3"), vertex_named(plain, "node0.host")) == 0);
}
