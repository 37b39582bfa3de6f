// Incast: what stands in one queue with it, virtual output queues, and lanes.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::map<std::string, Row> by_queues(const Ground& ground, const std::string& more = {}) {
  std::map<std::string, Row> rows;
  for (const Row& r : ground.run(R"({"kind": "incast")" + more + "}")) rows[std::get<std::string>(*r.find("queues"))] = r;
  return rows;
}

}  // namespace

// k senders on a port of B: B/k each. The victim of a sender has the rest of its NIC, B - B/k, with a queue of its own, and
// B/k behind the incast.
TEST_CASE("\"incast\": victims behind it get what it gets, 50/k GB/s; with virtual output queues what it leaves of their NIC") {
  for (const int k : {2, 8}) {
    const auto rows = by_queues(Ground(mpft, 17), R"(, "senders": )" + std::to_string(k));
    CHECK(rows.at("shared").number("incast_GBps") == doctest::Approx(50.0 / k));
    CHECK(rows.at("voq").number("incast_GBps") == doctest::Approx(50.0 / k));   // unchanged
    CHECK(rows.at("voq").number("incast_total_GBps") == doctest::Approx(50));
    CHECK(rows.at("shared").number("victim_GBps") == doctest::Approx(50.0 / k));
    CHECK(rows.at("voq").number("victim_GBps") == doctest::Approx(50 - 50.0 / k));
  }
}

// In one lane 9 flows share 50 GB/s; in its own the critical one gets `lane_share` of it, and the 8 others the rest.
TEST_CASE("a critical flow gets a ninth beside eight others, and its lane's share in a lane of its own") {
  const Ground ground(mpft, 18);
  const auto same = by_queues(ground, R"(, "critical": "same_lane", "queues": "voq")");
  CHECK(same.at("voq").number("critical_GBps") == doctest::Approx(50.0 / 9));
  for (const double share : {0.25, 0.5}) {
    const auto own = by_queues(ground, R"(, "critical": "own_lane", "lane_share": )" + std::to_string(share));
    for (const char* queues : {"voq", "shared"}) {
      CHECK(own.at(queues).number("critical_GBps") == doctest::Approx(50 * share));
      CHECK(own.at(queues).number("incast_total_GBps") == doctest::Approx(50 * (1 - share)));
    }
  }
}

TEST_CASE("too few nodes and a share without a lane are told") {
  CHECK_THROWS_WITH_AS(by_queues(Ground(mpft, 16)), doctest::Contains("take 17 nodes"), UserError);
  CHECK_THROWS_WITH_AS(by_queues(Ground(mpft, 17), R"(, "critical": "own_lane")"), doctest::Contains("take 18 nodes"), UserError);
  CHECK_THROWS_WITH_AS(by_queues(Ground(mpft, 17), R"(, "lane_share": 0.5)"), doctest::Contains("/lane_share"), UserError);
}
