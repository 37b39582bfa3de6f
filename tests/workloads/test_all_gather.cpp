#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::string job(int gpus, const std::string& more = "") {
  return R"({"kind": "all_gather", "gpus": )" + std::to_string(gpus) + R"(, "sizes": "8 GB")" + more + "}";
}

}  // namespace

// Every edge of a ring carries (n-1)/n of its part of the array; 8 rings with 1/8 each.
TEST_CASE(
    "\"all_gather\" on two nodes sends 15/16 of the array over 8 NICs, and NVLink carries as much as all of them") {
  const auto cases = workload_from(job(16))->cases(view_of(2));
  const RecordingSink sink = record(cases.at(0));
  CHECK(sink.transfers.size() == 8);
  const Traffic t = traffic_of(sink);
  for (const auto& [port, bytes] : t.nic_out) CHECK(bytes == doctest::Approx(1e9 * 15 / 16));
  for (const auto& [port, bytes] : t.nvlink_out) CHECK(bytes == doctest::Approx(8e9 * 15 / 16));
  CHECK(t.nic_in.size() == 16);
}

TEST_CASE("N5.06: busbw of \"all_gather\" on 8 GPUs is 7/8 of algbw, and NVLink's rate") {
  const Row row = Ground(mrft, 1).run(job(8, R"(, "kernel": {"nvlink_rate": "160 GB/s"})")).at(0);
  CHECK(row.number("busbw_GBps") / row.number("algbw_GBps") == doctest::Approx(0.875).epsilon(1e-6));
  CHECK(row.number("busbw_GBps") == doctest::Approx(160));
}

TEST_CASE("busbw of a multi-rail ring is min(channels times NIC, NVLink)") {
  const Ground ground(mrft, 4);
  const auto busbw = [&](int channels) {
    return ground.number(job(32, R"(, "channels": )" + std::to_string(channels) +
                                     R"(, "kernel": {"nic_rate": "48 GB/s", "nvlink_rate": "160 GB/s"})"),
                         "busbw_GBps");
  };
  CHECK(busbw(1) == doctest::Approx(48));
  CHECK(busbw(2) == doctest::Approx(96));
  CHECK(busbw(3) == doctest::Approx(144));
  CHECK(busbw(4) == doctest::Approx(160));
  CHECK(busbw(8) == doctest::Approx(160));
}

// NCCL's constants: 8.4 us, 3.4 us a step over NVLink, 9.6 us a step between nodes; n-1 = 15 steps, one between nodes.
TEST_CASE("a small array costs the steps of the ring") {
  const std::string small = R"({"kind": "all_gather", "gpus": 16, "sizes": "16 B"})";
  CHECK(Ground(mrft, 2).number(small, "time_us") == doctest::Approx(8.4 + 14 * 3.4 + 9.6).epsilon(1e-4));
}
