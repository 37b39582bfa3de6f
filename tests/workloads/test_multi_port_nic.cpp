// NICs with several ports: pinned and sprayed connections, lost ports and planes, hashed routes.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

/// A node is a NIC of four ports of 12.5 GB/s each.
const std::string four_ports = R"({"extends": "ideal", "gpus": 4, "nic_rate": "100 Gbps"})";
const std::string planes = R"({"kind": "mpft", "radix": 64, "planes": 4, "spines": 32})";

std::map<std::string, Row> by_use(const Ground& ground, const std::string& more = {}) {
  std::map<std::string, Row> rows;
  for (const Row& r : ground.run(R"({"kind": "multi_port_nic")" + more + "}")) rows[std::get<std::string>(*r.find("use"))] = r;
  return rows;
}

Ground ground(const std::vector<std::string>& failed = {}, topology::RoutingSpec routing = {}) {
  return Ground(planes, 64, four_ports, "ideal", failed, routing);
}

}  // namespace

TEST_CASE("\"multi_port_nic\": a connection on one of four ports gets a quarter of the NIC, a sprayed one all of it") {
  const auto rows = by_use(ground());
  CHECK(rows.at("pinned").number("mean_rate_GBps") == doctest::Approx(12.5));
  CHECK(rows.at("pinned").number("min_share") == doctest::Approx(0.25));
  CHECK(rows.at("sprayed").number("mean_rate_GBps") == doctest::Approx(50));
  CHECK(rows.at("sprayed").number("min_share") == doctest::Approx(1));
  CHECK(rows.at("sprayed").number("lost_connections") == 0);
}

// Port 0 of NIC 0: pinned, NIC 0 sends by port 0 to NIC 32, and NIC 32 by port 32 % 4 = 0 to NIC 0: both are cut off.
// Sprayed, these two have three of four ports.
TEST_CASE("N8.10: a lost port leaves a sprayed connection three quarters, and cuts a pinned one off") {
  const auto rows = by_use(ground({"node0.nic0"}));
  CHECK(rows.at("pinned").number("lost_connections") == 2);
  CHECK(rows.at("pinned").number("min_rate_GBps") == 0);
  CHECK(rows.at("pinned").number("mean_share") == doctest::Approx(0.25 * 62 / 64));
  CHECK(rows.at("sprayed").number("lost_connections") == 0);
  CHECK(rows.at("sprayed").number("min_share") == doctest::Approx(0.75));
  CHECK(rows.at("sprayed").number("mean_share") == doctest::Approx((62 + 2 * 0.75) / 64));
}

TEST_CASE("a lost plane costs every sprayed connection a quarter, and a quarter of the pinned ones everything") {
  const auto rows = by_use(ground({"plane0"}));
  CHECK(rows.at("pinned").number("lost_connections") == 16);
  CHECK(rows.at("sprayed").number("min_share") == doctest::Approx(0.75));
  CHECK(rows.at("sprayed").number("mean_share") == doctest::Approx(0.75));
}

// A quarter of the NICs sends in each plane: 8 flows of a leaf on 32 uplinks. The mean utilisation of a hashed flow is below 1.
TEST_CASE("hashed routes make pinned connections meet on cables; sprayed over paths too they never do") {
  topology::RoutingSpec ecmp;
  ecmp.policy = topology::Policy::ecmp;
  const auto hashed = by_use(ground({}, ecmp), R"(, "trials": 20)");
  CHECK(hashed.at("pinned").number("mean_share") < 0.24);
  CHECK(hashed.at("pinned").number("min_share") < 0.13);
  CHECK(hashed.at("sprayed").number("mean_share") < 0.7);
  CHECK(by_use(ground()).at("sprayed").number("min_share") == doctest::Approx(1));
}

TEST_CASE("what cannot be is told") {
  CHECK_THROWS_WITH_AS(by_use(ground(), R"(, "by": 64)"), doctest::Contains("/by"), UserError);
  CHECK_THROWS_WITH_AS(by_use(Ground(planes, 1, four_ports)), doctest::Contains("two NICs"), UserError);
}
