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

// 3.7 us across leaves (Table 5) behind 3.33 us over NVLink: what changing planes costs at most.
TEST_CASE("N3.06: a message to another plane's GPU on another leaf takes 7.03 us, forwarded over NVLink") {
  const std::string ping = R"({"kind": "ping", "pairs": "cross_plane"})";
  CHECK(Ground(mpft, 64, "h800", "infiniband").number(ping, "latency_us") == doctest::Approx(7.03).epsilon(0.002));
  CHECK(Ground(mpft, 64, R"({"extends": "h800", "nvlink_latency": "0.5 us"})", "infiniband").number(ping, "latency_us") == doctest::Approx(4.2).epsilon(0.002));
  CHECK_THROWS_WITH_AS(Ground(mpft, 2).run(ping), doctest::Contains("different leaves"), UserError);
}
