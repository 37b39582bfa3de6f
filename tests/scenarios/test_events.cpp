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

TEST_CASE("a spine that is away for less than it takes to notice stalls what crosses it for that long") {
  const double whole = shift_us("[]");
  const double t = shift_us(R"([{"at": "5 ms", "fail": "plane0.spine0", "detection": "30 s"}, {"at": "105 ms", "repair": "plane0.spine0"}])");
  CHECK(t - whole == doctest::Approx(100e3).epsilon(1e-6));
}

TEST_CASE("a spine that stays away stalls transfers until it is noticed, then they take the others") {
  // T/2 at full rate, 50 ms of waiting, T/2 of work at 24 of 32 uplinks.
  const double whole = shift_us("[]"), half = whole / 2;
  const double t = shift_us(fmt::format(R"([{{"at": "{} us", "fail": "plane0.spine0", "detection": "50 ms"}}])", half));
  CHECK(t == doctest::Approx(half + 50e3 + half * 32 / 24).epsilon(1e-4));
}

TEST_CASE("only a failure is detected, and not before it happens") {
  const auto told = [](const std::string& event) {
    return test::error_of(test::minimal(R"("nodes": 256, "topology": {"kind": "mpft"}, "events": [)" + event + "]", R"({"kind": "shift"})"));
  };
  CHECK(told(R"({"at": "1 ms", "repair": "plane0.spine0", "detection": "1 s"})").find("/cluster/events/0/detection: belongs to \"fail\"") != std::string::npos);
  CHECK(told(R"({"at": "1 ms", "fail": "plane0.spine0", "detection": "-1 s"})").find("/cluster/events/0/detection") != std::string::npos);
}

TEST_CASE("a NIC that was slow is as fast as ever once it is repaired") {
  // Slow for 4 ms at a quarter of its rate: 3 ms of work are done later.
  const double whole = shift_us("[]");
  const double t = shift_us(R"([{"at": "1 ms", "slow": "node0.nic0", "rate": "100 Gbps"}, {"at": "5 ms", "repair": "node0.nic0"}])");
  CHECK(t - whole == doctest::Approx(3000).epsilon(1e-3));
}
