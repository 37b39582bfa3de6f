#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("N5.06: busbw of \"all_reduce\" on 8 GPUs is 2 * 7/8 of algbw") {
  const Row row =
      Ground(mrft, 1)
          .run(R"({"kind": "all_reduce", "gpus": 8, "sizes": "8 GB", "kernel": {"nvlink_rate": "160 GB/s"}})")
          .at(0);
  CHECK(row.number("busbw_GBps") / row.number("algbw_GBps") == doctest::Approx(1.75).epsilon(1e-6));
  CHECK(row.number("busbw_GBps") == doctest::Approx(160));
}

// 2 (n-1)/n of the array goes over every edge, twice what an all-gather of as many bytes sends.
TEST_CASE("an \"all_reduce\" takes twice the time of an all-gather of the same total") {
  const Ground ground(mrft, 4);
  const std::string rest = R"("gpus": 32, "sizes": "8 GB", "kernel": "line_rate"})";
  CHECK(ground.number(R"({"kind": "all_reduce", )" + rest, "time_us") ==
        doctest::Approx(2 * ground.number(R"({"kind": "all_gather", )" + rest, "time_us")));
}

TEST_CASE("a small array costs 2 (n-1) steps") {
  const double steps = 8.4 + 2 * (14 * 3.4 + 9.6);
  CHECK(Ground(mrft, 2).number(R"({"kind": "all_reduce", "gpus": 16, "sizes": "16 B"})", "time_us") ==
        doctest::Approx(steps).epsilon(1e-4));
}
