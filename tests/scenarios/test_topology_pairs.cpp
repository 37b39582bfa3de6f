// A result changes when the topology does: every pair of kinds differs in something that was simulated.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "tests/scenarios/support.h"
#include "topology/topology.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

/// What 256 GPUs see of a network: path lengths without PXN, latency to the farthest NIC, all-to-all under hashed routes.
std::map<std::string, double> seen_of(const std::string& kind) {
  const auto r = test::run(test::minimal(
      R"("nodes": 32, "routing": {"policy": "ecmp"}, "topology": {"kind": ")" + kind + R"("})",
      R"({"kind": "paths", "pxn": false}, {"kind": "ping", "pairs": "farthest"},
         {"kind": "all_to_all", "gpus": 256, "sizes": "64 MiB", "kernel": "line_rate"})"));
  std::map<std::string, double> seen;
  for (const char* cell : {"t/paths/mean_switches", "t/paths/unreachable_pct", "t/paths/components", "t/ping/latency_us", "t/all_to_all/time_us"}) {
    seen[cell] = cell_of(r, cell);
  }
  return seen;
}

}  // namespace

TEST_CASE("every pair of topologies differs in a simulated result") {
  std::map<std::string, std::map<std::string, double>> seen;
  for (const auto& k : topology::topology_kinds()) seen[k.name] = seen_of(k.name);
  for (const auto& [a, of_a] : seen) {
    for (const auto& [b, of_b] : seen) {
      if (a >= b) continue;
      CAPTURE(a);
      CAPTURE(b);
      double largest = 0;
      for (const auto& [cell, value] : of_a) {
        const double other = of_b.at(cell);
        largest = std::max(largest, std::abs(value - other) / std::max({std::abs(value), std::abs(other), 1e-300}));
      }
      CHECK(largest > 1e-3);
    }
  }
}

TEST_CASE("a plane lost leaves an MPFT's job running, a fabric lost ends an MRFT's (N8.11)") {
  const std::string whole = R"({"kind": "all_to_all", "gpus": 512, "sizes": "1 MiB", "on_lost_nic": "rebalance"})";
  CHECK(cell_of(test::run(test::minimal(R"("nodes": 64, "topology": {"kind": "mpft"}, "failed": ["plane0"])", whole)), "t/all_to_all/time_us") > 0);
  std::string all_spines;
  for (int s = 0; s < 8; ++s) all_spines += (s ? ", \"spine" : "\"spine") + std::to_string(s) + "\"";
  const std::string told = test::error_of(test::minimal(R"("nodes": 64, "topology": {"kind": "mrft"}, "failed": [)" + all_spines + "]", whole));
  CHECK(told.find("/cluster/failed") != std::string::npos);
}

TEST_CASE("a NIC that loses one of four ports keeps 3/4 of its rate and its connections (N8.10)") {
  // The ports of a multi-plane NIC are sprayed over, so losing one is a slower NIC, not a lost one: 4/3 of the time.
  const std::string cluster = R"("nodes": 4, "transport": "ideal", "topology": {"kind": "mpft"})";
  const std::string send = R"({"kind": "point_to_point", "from": 0, "to": 8, "sizes": "16 GiB"})";
  const double before = cell_of(test::run(test::minimal(cluster, send)), "t/point_to_point/time_us");
  const double after = cell_of(test::run(test::minimal(cluster + R"(, "events": [{"at": "0 s", "slow": "node0.nic0", "rate": "300 Gbps"}])", send)),
                               "t/point_to_point/time_us");
  // The PCIe bus of the same NIC slows down too under that name; both are wider than what is left, or equal to it.
  CHECK(after / before == doctest::Approx(4.0 / 3).epsilon(1e-4));
}
