#include <doctest/doctest.h>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("mrft at 2,048 GPUs has 64 leaves on the same 32 spines, one cable each (N2.02)") {
  const auto f = make_fabric(R"({"kind": "mrft"})", 256);
  CHECK(f.count().switches == 96);
  CHECK(f.count().switch_links == 2048);
  CHECK(f.components() == 1);
  for (int rail = 0; rail < 8; ++rail)
    for (int unit = 0; unit < 8; ++unit)
      for (int spine = 0; spine < 32; ++spine)
        CHECK(parallel(f, vertex_named(f, fmt::format("rail{}.leaf{}", rail, unit)), vertex_named(f, fmt::format("spine{}", spine))) == 1);
}

TEST_CASE("mrft puts NIC r of 32 nodes on leaf (rail r, unit u)") {
  const auto f = make_fabric(R"({"kind": "mrft"})", 256);
  for (std::uint32_t n = 0; n < 256; n += 5)
    for (std::uint32_t g = 0; g < 8; ++g)
      CHECK(f.name(f.switch_of_nic(f.vertex_of(nic(n, g)))) == fmt::format("rail{}.leaf{}", g, n / 32));
}

TEST_CASE("mrft takes a third layer beyond k*k/2 endpoints: 1,280 switches at 16,384 GPUs") {
  // network.md 2.3; the same numbers as a partial FT3 (N1.04a).
  const auto c = counts(R"({"kind": "mrft"})", 2048);
  CHECK(c.switches == 1280);
  CHECK(c.switch_links == 32768);
  const auto f = make_fabric(R"({"kind": "mrft", "radix": 8, "rails": 4})", 16, "ideal");
  CHECK(f.switch_diameter() == 4);
  CHECK(f.name(f.switch_of_nic(f.vertex_of(nic(3, 5)))) == "rail1.leaf1");
}

TEST_CASE("mpft is mrft with its spines given to the rails: the same switches and cables at 2,048 GPUs") {
  CHECK(counts(R"({"kind": "mrft"})", 256) == counts(R"({"kind": "mpft"})", 256));
}

TEST_CASE("the kind of an mpft with planes can be changed to mrft alone: its planes are the rails") {
  const Reading r = read_text(R"({"kind": "mrft", "radix": 64, "planes": 4})", 256);
  REQUIRE(r.topology != nullptr);
  CHECK(r.topology->resolved()["rails"] == 4);
  CHECK(r.topology->count() == counts(R"({"kind": "mrft", "rails": 4})", 256));
}
