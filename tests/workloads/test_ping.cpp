#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

// Table 5 of arXiv:2505.09343: 64 B, CPU side, same leaf and cross leaf; NVLink 3.33 us.
TEST_CASE("a \"ping\" gives the latencies of Table 5 on an MPFT and on an MRFT") {
  const std::string ping = R"({"kind": "ping", "size": "64 B", "pairs": ["same_leaf", "cross_leaf", "same_node"]})";
  for (const std::string& topology : {mpft, mrft}) {
    const auto ib = Ground(topology, 64, "h800", "infiniband").run(ping);
    CHECK(ib[0].number("latency_us") == doctest::Approx(2.8).epsilon(0.002));
    CHECK(ib[1].number("latency_us") == doctest::Approx(3.7).epsilon(0.002));
    CHECK(ib[2].number("latency_us") == doctest::Approx(3.33).epsilon(0.002));
    const auto roce = Ground(topology, 64, "h800", "roce").run(ping);
    CHECK(roce[0].number("latency_us") == doctest::Approx(3.6).epsilon(0.002));
    CHECK(roce[1].number("latency_us") == doctest::Approx(5.6).epsilon(0.002));
  }
}

TEST_CASE("a pair that a cluster does not have is an error that names it") {
  CHECK_THROWS_WITH_AS(Ground(mrft, 2).run(R"({"kind": "ping", "pairs": "cross_leaf"})"),
                       doctest::Contains("\"cross_leaf\""), UserError);
}

TEST_CASE("rails meet in an MRFT and not in an MPFT") {
  CHECK(Ground(mrft, 2, "h800", "infiniband").number(R"({"kind": "ping", "pairs": "cross_rail"})", "latency_us") ==
        doctest::Approx(3.7).epsilon(0.002));
  CHECK_THROWS_WITH_AS(Ground(mpft, 2).run(R"({"kind": "ping", "pairs": "cross_rail"})"), doctest::Contains("no path"),
                       UserError);
}
