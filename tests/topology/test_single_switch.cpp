#include <doctest/doctest.h>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("single_switch is as large as the cluster when no radix is given") {
  const auto c = counts(R"({"kind": "single_switch"})", 256);
  CHECK(c.endpoints == 2048);
  CHECK(c.switches == 1);
  CHECK(c.switch_links == 0);
  CHECK(c.max_ports_used == 2048);
}

TEST_CASE("single_switch with a radix refuses more endpoints than ports") {
  const Reading r = read_text(R"({"kind": "single_switch", "radix": 16})", 3);
  REQUIRE(r.problems.list().size() == 1);
  CHECK(to_text(r.problems.list()[0]).starts_with(
      "scenario.json: /cluster/topology/radix: radix 16 holds 16 endpoints, 3 nodes need 24"));
}

TEST_CASE("single_switch puts every NIC one hop from every other") {
  const auto f = make_fabric(R"({"kind": "single_switch"})", 3);
  CHECK(f.components() == 1);
  CHECK(f.switch_diameter() == 0);
  const VertexId sw = vertex_named(f, "switch0");
  for (std::uint32_t n = 0; n < 3; ++n) CHECK(f.switch_of_nic(f.vertex_of(nic(n, 7))) == sw);
}
