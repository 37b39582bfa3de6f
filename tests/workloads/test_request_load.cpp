// What requests ask for, counted by hand.
#include <doctest/doctest.h>

#include "sim/core/error.h"
#include "tests/workloads/listed_requests.h"
#include "workloads/inference/requests/load.h"

using namespace weft;
using namespace weft::workloads::inference;
using doctest::Approx;

using Listed = weft::testing::ListedRequests;

TEST_CASE("totals, intervals, the busiest time and the mean of the cache") {
  Listed stream({{Seconds(1), 100, 10, 40}, {Seconds(2), 300, 30, 0}, {Seconds(9.5), 50, 20, 50}, {Seconds(31), 10, 5, 0}});
  const RequestLoad l = load_of(stream, Seconds(10), Seconds(5));
  CHECK(l.all.requests == 4);
  CHECK(l.all.prompt == 460);
  CHECK(l.all.cached == 90);
  CHECK(l.all.output == 65);
  CHECK(l.first.value() == 1);
  CHECK(l.last.value() == 31);
  REQUIRE(l.intervals.size() == 4);
  CHECK(l.intervals[0].requests == 3);
  CHECK(l.intervals[1].requests == 0);
  CHECK(l.intervals[3].prompt == 10);
  CHECK(l.peak.requests == 2);   // 0 to 5 s
  CHECK(l.peak.prompt == 400);
  CHECK(l.peak.output == 40);
  CHECK(l.mean_prompt() == Approx(115));
  CHECK(l.hit() == Approx(90 / 460.0));
  // Each of D tokens sees P + D / 2 in the mean.
  CHECK(l.mean_kv() == Approx((10 * 105 + 30 * 315 + 20 * 60 + 5 * 12.5) / 65));
}

TEST_CASE("a quantile is the least length that so many do not exceed") {
  LengthCounts c;
  CHECK(c.quantile(0.5) == 0);
  for (const std::uint32_t n : {5u, 1u, 3u, 3u, 100u}) c.add(n);
  CHECK(c.quantile(0) == 1);
  CHECK(c.quantile(0.2) == 1);
  CHECK(c.quantile(0.5) == 3);
  CHECK(c.quantile(0.8) == 5);
  CHECK(c.quantile(0.99) == 100);
  CHECK(c.largest() == 100);
}

TEST_CASE("no requests ask for nothing; too many intervals are refused") {
  Listed none({});
  const RequestLoad l = load_of(none, Seconds(1), Seconds(1));
  CHECK(l.all.requests == 0);
  CHECK(l.mean_kv() == 0);
  Listed late({{Seconds(1e9), 1, 1, 0}});
  CHECK_THROWS_AS(load_of(late, Seconds(1), Seconds(1)), UserError);
}
