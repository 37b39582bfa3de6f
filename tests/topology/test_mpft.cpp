#include <doctest/doctest.h>

#include <set>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("mpft at 2,048 GPUs has per plane 8 leaves, 4 spines and 8 parallel cables (N2.01)") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 256);
  std::int64_t leaves = 0, spines = 0;
  for (const auto& v : f.vertices()) {
    if (v.kind != topology::VertexKind::net_switch) continue;
    ++(v.tier == 0 ? leaves : spines);
  }
  CHECK(leaves == 64);
  CHECK(spines == 32);
  CHECK(f.count().switches == 96);
  CHECK(f.count().switch_links == 2048);
  CHECK(f.components() == 8);
  for (int p = 0; p < 8; ++p)
    for (int leaf = 0; leaf < 8; ++leaf)
      for (int spine = 0; spine < 4; ++spine)
        CHECK(parallel(f, vertex_named(f, fmt::format("plane{}.leaf{}", p, leaf)),
                       vertex_named(f, fmt::format("plane{}.spine{}", p, spine))) == 8);
}

TEST_CASE("mpft attaches NIC g of every node to plane g, 32 nodes to a leaf") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 256);
  for (std::uint32_t n = 0; n < 256; n += 5)
    for (std::uint32_t g = 0; g < 8; ++g)
      CHECK(f.name(f.switch_of_nic(f.vertex_of(nic(n, g)))) == fmt::format("plane{}.leaf{}", g, n / 32));
}

TEST_CASE("mpft with fewer planes than NICs puts several NICs of a node into a plane") {
  const auto f = make_fabric(R"({"kind": "mpft", "planes": 4})", 16);
  CHECK(f.components() == 4);
  for (std::uint32_t n = 0; n < 16; ++n)
    for (std::uint32_t g = 0; g < 8; ++g) CHECK(f.vertex(f.switch_of_nic(f.vertex_of(nic(n, g)))).group == g % 4);
}

TEST_CASE("mpft takes more spines than it needs when told to, and spreads the uplinks over them") {
  const auto f = make_fabric(R"({"kind": "mpft", "spines": 32})", 256);
  CHECK(f.count().switches == 8 * (8 + 32));
  CHECK(f.count().switch_links == 2048);
  CHECK(parallel(f, vertex_named(f, "plane3.leaf7"), vertex_named(f, "plane3.spine31")) == 1);
}
