// What losing a spine, a NIC or a plane costs traffic along the rails.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

double time_on(const std::string& topology, const std::string& job, const std::vector<std::string>& failed,
               std::uint32_t nodes = 256) {
  return Ground(topology, nodes, "h800", "ideal", failed).number(job, "time_us");
}

double slowdown(const std::string& topology, const std::string& job, const std::vector<std::string>& failed,
                const std::string& more = "", std::uint32_t nodes = 256) {
  const std::string with = job.substr(0, job.size() - 1) + more + "}";
  return time_on(topology, with, failed, nodes) / time_on(topology, job, {}, nodes);
}

const std::string shift = R"({"kind": "shift", "sizes": "1 GB"})";
const std::string all_to_all = R"({"kind": "all_to_all", "gpus": 2048, "sizes": "1 GiB", "kernel": "line_rate"})";
const std::string small_all_to_all = R"({"kind": "all_to_all", "gpus": 64, "sizes": "1 GiB", "kernel": "line_rate"})";

}  // namespace

// 224/255 of a NIC's traffic leaves its leaf: 32 * 0.8784 = 28.1 uplinks' worth, over 24 that are left.
TEST_CASE("N8.06: a lost spine slows an MPFT's uniform all-to-all by 28.1/24 = 1.171") {
  CHECK(slowdown(mpft, all_to_all, {"plane0.spine0"}) == doctest::Approx(1.1712).epsilon(0.01));
}

TEST_CASE("N8.07: a lost spine does not slow an MRFT's uniform all-to-all, 28.1 < 31") {
  CHECK(slowdown(mrft, all_to_all, {"spine0"}) == doctest::Approx(1.0).epsilon(0.001));
}

TEST_CASE("N8.08: with all traffic across leaves a lost spine costs an MPFT 32/24, an MRFT 32/31") {
  CHECK(slowdown(mpft, shift, {"plane0.spine0"}) == doctest::Approx(4.0 / 3).epsilon(0.005));
  CHECK(slowdown(mrft, shift, {"spine0"}) == doctest::Approx(32.0 / 31).epsilon(0.005));
}

// 8 planes with 7.75 planes' worth of uplinks: 8 / 7.75.
TEST_CASE("N8.08: spread over the planes by what they can carry, the MPFT's loss falls to 1.032") {
  CHECK(slowdown(mpft, shift, {"plane0.spine0"}, R"(, "rail_weights": [0.75, 1, 1, 1, 1, 1, 1, 1])") ==
        doctest::Approx(8 / 7.75).epsilon(0.005));
}

TEST_CASE("N8.09: a lost NIC costs its node 8/7 when the others share its bytes, 2 when a neighbour takes them") {
  for (const std::string& job : {shift, small_all_to_all}) {
    CHECK(slowdown(mpft, job, {"node0.nic0"}, R"(, "on_lost_nic": "rebalance")", 64) ==
          doctest::Approx(8.0 / 7).epsilon(0.005));
    CHECK(slowdown(mrft, job, {"node0.nic0"}, R"(, "on_lost_nic": "neighbour")", 64) ==
          doctest::Approx(2.0).epsilon(0.005));
  }
}

TEST_CASE("N8.09: a lost plane costs every node 8/7, in all-to-alls of NCCL and of DeepEP") {
  const std::string rebalance = R"(, "on_lost_nic": "rebalance")";
  CHECK(slowdown(mpft, small_all_to_all, {"plane3"}, rebalance, 64) == doctest::Approx(8.0 / 7).epsilon(0.005));
  // EP64 is bound by the NIC: 8/7 again, as long as NVLink keeps up.
  const std::string dispatch =
      R"({"kind": "deepep_dispatch", "ep": 64, "draw": "expected", "kernel": {"nic_rate": "44 GB/s", "nvlink_rate": "160 GB/s"}})";
  CHECK(slowdown(mpft, dispatch, {"plane3"}, rebalance, 8) == doctest::Approx(8.0 / 7).epsilon(0.005));
}

// Eight rings of 20 GB/s each through the seven NICs that node 0 has left: 20 * 7/8 GB/s each.
TEST_CASE("rings and low-latency kernels go round a lost NIC for 8/7 too") {
  const std::string rebalance = R"(, "on_lost_nic": "rebalance")";
  const std::string ring = R"({"kind": "all_gather", "gpus": 64, "sizes": "8 GB", "kernel": {"nic_rate": "20 GB/s"}})";
  CHECK(slowdown(mpft, ring, {"node0.nic0"}, rebalance, 8) == doctest::Approx(8.0 / 7).epsilon(0.005));
  const std::string decode = R"({"kind": "deepep_low_latency", "ep": 64, "kernel": {"nic_rate": "45.5 GB/s"}})";
  CHECK(slowdown(mpft, decode, {"plane3"}, rebalance, 8) == doctest::Approx(8.0 / 7).epsilon(0.005));
}

TEST_CASE("a lost NIC or plane without a word what to do is an error that names a way out") {
  CHECK_THROWS_WITH_AS(time_on(mpft, small_all_to_all, {"plane3"}, 8),
                       doctest::Contains("NIC 3 of node 0 has no path to its rail"), UserError);
}
