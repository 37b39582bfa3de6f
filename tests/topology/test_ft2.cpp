#include <doctest/doctest.h>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("a full ft2 has one cable between each leaf and each spine") {
  // k = 8: 8 leaves with 4 hosts, 4 spines with 8 ports down.
  const auto f = make_fabric(R"({"kind": "ft2", "radix": 8})", 32, "endpoint");
  for (int leaf = 0; leaf < 8; ++leaf)
    for (int spine = 0; spine < 4; ++spine)
      CHECK(parallel(f, vertex_named(f, fmt::format("leaf{}", leaf)), vertex_named(f, fmt::format("spine{}", spine))) == 1);
  CHECK(f.switch_diameter() == 2);
}

TEST_CASE("an ft2 with a quarter of its leaves needs a quarter of its spines, with four parallel cables") {
  // k = 8, N = 8: 2N/k = 2 leaves, N/k = 1 spine, k*k/(2N) = 4 parallel cables.
  const auto f = make_fabric(R"({"kind": "ft2", "radix": 8})", 8, "endpoint");
  CHECK(f.count().switches == 3);
  CHECK(parallel(f, vertex_named(f, "leaf0"), vertex_named(f, "spine0")) == 4);
  CHECK(parallel(f, vertex_named(f, "leaf1"), vertex_named(f, "spine0")) == 4);
}

TEST_CASE("ft2 deals uplinks that do not divide evenly so that spines differ by one port at most") {
  // k = 8, 3 leaves: 12 uplinks over ceil(12 / 8) = 2 spines.
  const auto f = make_fabric(R"({"kind": "ft2", "radix": 8})", 11, "endpoint");
  const auto ports = [&](const char* name) { return f.out_links(vertex_named(f, name)).size(); };
  CHECK(ports("spine0") == 6);
  CHECK(ports("spine1") == 6);
  // 11 hosts over 3 leaves: 4, 4, 3, and every leaf keeps 4 uplinks.
  CHECK(ports("leaf0") == 8);
  CHECK(ports("leaf2") == 7);
}

TEST_CASE("a single leaf needs no spine") {
  const auto c = counts(R"({"kind": "ft2", "radix": 64})", 4);
  CHECK(c.switches == 1);
  CHECK(c.switch_links == 0);
  CHECK(c.max_ports_used == 32);
}

TEST_CASE("ft2 places the NICs of a node on one leaf, or of a rail on one leaf") {
  // The network of Figure 8 of arXiv:2505.09343 as network.md 4.3 reads it: 8 nodes, 4 nodes (32 NICs) a leaf, 32 spines.
  const auto by_node = make_fabric(R"({"kind": "ft2", "leaves": 2, "spines": 32})", 8);
  CHECK(by_node.count().switches == 34);
  CHECK(by_node.count().switch_links == 64);
  for (std::uint32_t n = 0; n < 8; ++n)
    for (std::uint32_t g = 0; g < 8; ++g)
      CHECK(by_node.name(by_node.switch_of_nic(by_node.vertex_of(nic(n, g)))) == fmt::format("leaf{}", n / 4));
  const auto by_rail = make_fabric(R"({"kind": "ft2", "leaves": 2, "spines": 32, "placement": "rail"})", 8);
  for (std::uint32_t n = 0; n < 8; ++n)
    for (std::uint32_t g = 0; g < 8; ++g)
      CHECK(by_rail.name(by_rail.switch_of_nic(by_rail.vertex_of(nic(n, g)))) == fmt::format("leaf{}", g / 4));
}

TEST_CASE("ft2 keeps a node's NICs together when leaves are not full") {
  // 33 nodes on radix 64 need 9 leaves. 264 / 9 = 29.3 NICs would split nodes; 32 do not.
  const auto f = make_fabric(R"({"kind": "ft2"})", 33);
  for (std::uint32_t n = 0; n < 33; ++n)
    CHECK(f.switch_of_nic(f.vertex_of(nic(n, 0))) == f.switch_of_nic(f.vertex_of(nic(n, 7))));
}
