#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("\"point_to_point\" between nodes runs at the NIC's rate, inside a node at NVLink's") {
  const Ground ground(mrft, 2);
  // 1 GB over 50 GB/s is 20 ms, over 200 GB/s 5 ms and NVLink's 1 us.
  CHECK(ground.number(R"({"kind": "point_to_point", "from": 0, "to": 8, "sizes": "1 GB"})", "time_us") ==
        doctest::Approx(20000));
  CHECK(ground.number(R"({"kind": "point_to_point", "from": 0, "to": 1, "sizes": "1 GB"})", "time_us") ==
        doctest::Approx(5001));
}

TEST_CASE("a kernel's own limits hold: start-up, NIC and NVLink rate") {
  const Ground ground(mrft, 2);
  const std::string kernel = R"("kernel": {"nic_rate": "25 GB/s", "nvlink_rate": "100 GB/s", "start_up": "1 ms"}})";
  CHECK(ground.number(R"({"kind": "point_to_point", "from": 0, "to": 8, "sizes": "1 GB", )" + kernel, "time_us") ==
        doctest::Approx(41000));
  CHECK(ground.number(R"({"kind": "point_to_point", "from": 0, "to": 1, "sizes": "1 GB", )" + kernel, "time_us") ==
        doctest::Approx(11001));
}

TEST_CASE("InfiniBand's headers cost 26 of 4,122 bytes and its latency 2.8 us") {
  const Ground ground(mrft, 2, "h800", "infiniband");
  const double expected = 1e9 / (50e9 * 4096 / 4122) + 2.8e-6;
  CHECK(ground.number(R"({"kind": "point_to_point", "from": 0, "to": 8, "sizes": "1 GB"})", "time_us") ==
        doctest::Approx(expected * 1e6).epsilon(1e-9));
}

TEST_CASE("two GPUs in different planes of an MPFT have no path without forwarding") {
  CHECK_THROWS_WITH_AS(Ground(mpft, 2).run(R"({"kind": "point_to_point", "from": 0, "to": 9, "sizes": "1 GB"})"),
                       doctest::Contains("no path from rank 0 to rank 9"), UserError);
}
