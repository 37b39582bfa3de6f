#include <doctest/doctest.h>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("a full ft3 is the k-ary fat tree") {
  // k = 4: 16 hosts, 8 edge, 8 aggregation, 4 core switches; k^3/2 = 32 cables.
  const auto f = make_fabric(R"({"kind": "ft3", "radix": 4})", 16, "endpoint");
  CHECK(f.count() == topology::Counts{16, 20, 32, 0, 16, 4});
  CHECK(f.switch_diameter() == 4);
  // Aggregation switch j of every pod reaches cores 2j and 2j + 1.
  CHECK(parallel(f, vertex_named(f, "pod3.agg1"), vertex_named(f, "core2")) == 1);
  CHECK(parallel(f, vertex_named(f, "pod3.agg1"), vertex_named(f, "core1")) == 0);
}

TEST_CASE("an ft3 of half the pods needs half the cores, with two parallel cables") {
  // k = 4, 2 pods: cores N/k = 2, one per group.
  const auto f = make_fabric(R"({"kind": "ft3", "radix": 4})", 8, "endpoint");
  CHECK(f.count() == topology::Counts{8, 10, 16, 0, 8, 4});
  CHECK(parallel(f, vertex_named(f, "pod1.agg1"), vertex_named(f, "core1")) == 2);
}

TEST_CASE("an ft3 of one pod has no core, of one edge switch nothing above") {
  CHECK(counts(R"({"kind": "ft3", "radix": 4})", 4, 1).switches == 4);
  CHECK(counts(R"({"kind": "ft3", "radix": 4})", 2, 1).switches == 1);
}

TEST_CASE("ft3 with rail placement puts equal local indices on one edge switch") {
  const auto f = make_fabric(R"({"kind": "ft3", "radix": 8, "placement": "rail"})", 8);
  CHECK(f.switch_of_nic(f.vertex_of(nic(0, 3))) == f.switch_of_nic(f.vertex_of(nic(3, 3))));
  CHECK(f.switch_of_nic(f.vertex_of(nic(0, 3))) != f.switch_of_nic(f.vertex_of(nic(0, 2))));
}
