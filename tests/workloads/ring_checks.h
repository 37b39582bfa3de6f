// What all-gather and reduce-scatter have in common: one pass around every ring.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tests/support/workload_runs.h"

namespace weft::testing {

inline std::string ring_job(const std::string& kind, int gpus, const std::string& more = "", const std::string& size = "8 GB") {
  return R"({"kind": ")" + kind + R"(", "gpus": )" + std::to_string(gpus) + R"(, "sizes": ")" + size + "\"" + more + "}";
}

/// Every edge of a ring carries (n-1)/n of its part of the array; 8 rings with 1/8 each.
inline void check_bytes_on_two_nodes(const std::string& kind) {
  const auto cases = workload_from(ring_job(kind, 16))->cases(view_of(2));
  const RecordingSink sink = record(cases.at(0));
  CHECK(sink.transfers.size() == 8);
  const Traffic t = traffic_of(sink);
  for (const auto& [port, bytes] : t.nic_out) CHECK(bytes == doctest::Approx(1e9 * 15 / 16));
  for (const auto& [port, bytes] : t.nvlink_out) CHECK(bytes == doctest::Approx(8e9 * 15 / 16));
  CHECK(t.nic_in.size() == 16);
}

inline void check_busbw_in_one_node(const std::string& kind) {
  const Row row = Ground(mrft, 1).run(ring_job(kind, 8, R"(, "kernel": {"nvlink_rate": "160 GB/s"})")).at(0);
  CHECK(row.number("busbw_GBps") / row.number("algbw_GBps") == doctest::Approx(0.875).epsilon(1e-6));
  CHECK(row.number("busbw_GBps") == doctest::Approx(160));
}

/// busbw is min(channels times NIC, NVLink).
inline void check_busbw_of_channels(const std::string& kind) {
  const Ground ground(mrft, 4);
  const auto busbw = [&](int channels) {
    return ground.number(ring_job(kind, 32, R"(, "channels": )" + std::to_string(channels) +
                                                R"(, "kernel": {"nic_rate": "48 GB/s", "nvlink_rate": "160 GB/s"})"),
                         "busbw_GBps");
  };
  CHECK(busbw(1) == doctest::Approx(48));
  CHECK(busbw(2) == doctest::Approx(96));
  CHECK(busbw(3) == doctest::Approx(144));
  CHECK(busbw(4) == doctest::Approx(160));
  CHECK(busbw(8) == doctest::Approx(160));
}

/// NCCL's constants: 8.4 us, 3.4 us a step over NVLink, 9.6 us a step between nodes; n-1 = 15 steps, one between nodes.
inline void check_steps_of_a_small_array(const std::string& kind) {
  CHECK(Ground(mrft, 2).number(ring_job(kind, 16, "", "16 B"), "time_us") == doctest::Approx(8.4 + 14 * 3.4 + 9.6).epsilon(1e-4));
}

}  // namespace weft::testing
