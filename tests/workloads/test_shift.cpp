#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("a \"shift\" by default goes by a leaf, so that every NIC sends to another one") {
  const auto cases = workload_from(R"({"kind": "shift", "sizes": "1 MB"})")->cases(view_of(64));
  CHECK(std::get<std::int64_t>(*cases.at(0).labels.find("by_nodes")) == 32);
  const RecordingSink sink = record(cases.at(0));
  CHECK(sink.transfers.size() == 512);
  for (const RecordedTransfer& t : sink.transfers) {
    REQUIRE(t.legs.size() == 1);
    CHECK(t.legs[0].to.node.value == (t.legs[0].from.node.value + 32) % 64);
    CHECK(t.legs[0].to.local == t.legs[0].from.local);
  }
}

TEST_CASE("a shift on a whole fabric runs at line rate under adaptive and under static routing") {
  for (const auto policy : {topology::Policy::adaptive, topology::Policy::static_dmodk}) {
    topology::RoutingSpec spec;
    spec.policy = policy;
    CHECK(Ground(mpft, 64, "h800", "ideal", {}, spec).number(R"({"kind": "shift", "sizes": "1 GB"})", "rate_GBps") ==
          doctest::Approx(50));
  }
}
