// Events: parts that fail, come back or slow down in mid-run, as a scenario says it.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {
double shift_us(const std::string& events) {
  const auto r = test::run(test::minimal(R"("nodes": 256, "topology": {"kind": "mpft"}, "events": )" + events, R"({"kind": "shift", "sizes": "1 GiB"})"));
  return cell_of(r, "t/shift/time_us");
}
}  // namespace

TEST_CASE("a spine that fails half-way costs the second half a third more") {
  // Every GPU sends to another leaf at line rate, so all 32 uplinks of a leaf are full; with one of four spines gone 24 are
  // left. T/2 at full rate, then T/2 of work at 24/32: T/2 + T/2 x 4/3 = 7/6 T.
  const double whole = shift_us("[]");
  const double half = whole / 2;
  const double failed = shift_us(fmt::format(R"([{{"at": "{} us", "fail": "plane0.spine0"}}])", half));
  CHECK(failed / whole == doctest::Approx(7.0 / 6).epsilon(1e-3));
}

TEST_CASE("a spine that comes back costs only the time that it was away") {
  // Away from T/4 to T/2: that quarter moves 3/4 of its bytes, the missing T/16 of work is done at the end.
  const double whole = shift_us("[]");
  const double t = shift_us(fmt::format(R"([{{"at": "{} us", "fail": "plane0.spine0"}}, {{"at": "{} us", "repair": "plane0.spine0"}}])", whole / 4, whole / 2));
  CHECK(t / whole == doctest::Approx(1 + 1.0 / 16).epsilon(1e-3));
}

TEST_CASE("a NIC that slows to a quarter from the start takes four times as long") {
  const double whole = shift_us("[]");
  CHECK(shift_us(R"([{"at": "0 s", "slow": "node0.nic0", "rate": "100 Gbps"}])") / whole == doctest::Approx(4).epsilon(1e-3));
}
