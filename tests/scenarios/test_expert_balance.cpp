// expert_balance: rows of placements and of periods through a scenario, and what is refused.
#include <doctest/doctest.h>

#include <cmath>

#include "models/llm/counts.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& keys) { return test::minimal(kCluster, R"({"kind": "expert_balance")" + (keys.empty() ? "" : ", " + keys) + "}"); }

std::string of(const std::string& labels, const std::string& column) { return "t/expert_balance[" + labels + "]/" + column; }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("expert_balance has a row a group of GPUs and policy; EPLB is nearer to even than no placement") {
  const auto r = test::run(asking(""));
  REQUIRE(r.tables[0].rows.size() == 4);   // EP32 and EP144, none and eplb
  for (const char* ep : {"32", "144"}) {
    const std::string none = std::string("ep=") + ep + ",policy=none", eplb = std::string("ep=") + ep + ",policy=eplb";
    // In order with 288 slots; unplaced is that too for EP144, whose GPUs hold two of 256 experts at the least, and eight a GPU for EP32.
    CHECK((cell_of(r, of(none, "max_over_mean")) == cell_of(r, of(none, "unplaced_max_over_mean"))) == (std::string(ep) == "144"));
    CHECK(cell_of(r, of(eplb, "max_over_mean")) < cell_of(r, of(none, "max_over_mean")));
    CHECK(cell_of(r, of(eplb, "worst_layer")) >= cell_of(r, of(eplb, "max_over_mean")));
    CHECK(cell_of(r, of(eplb, "stale_max_over_mean")) == cell_of(r, of(eplb, "max_over_mean")));   // no drift
    CHECK(cell_of(r, of(eplb, "hottest_copies")) >= 2);
  }
  CHECK(cell_of(r, of("ep=32,policy=eplb", "slots_per_gpu")) == 9);
  CHECK(cell_of(r, of("ep=144,policy=eplb", "slots_per_gpu")) == 2);
  CHECK(cell_of(r, of("ep=32,policy=eplb", "gini")) == Approx(std::erf(0.3)).epsilon(0.03));   // of a lognormal law: erf(sigma / 2)
}

TEST_CASE("even loads are even whatever the policy") {
  const auto r = test::run(asking(R"("policies": ["none", "global", "eplb"], "ep": 64, "redundant": 0, "balance": {"popularity": "uniform"})"));
  for (const char* policy : {"none", "global", "eplb"}) CHECK(cell_of(r, of(std::string("policy=") + policy, "max_over_mean")) == Approx(1).epsilon(1e-12));
  CHECK(cell_of(r, of("policy=eplb", "gini")) == Approx(0).epsilon(1e-12));
}

TEST_CASE("a stale placement is worse the further loads have drifted") {
  const auto r = test::run(asking(R"("ep": 144, "policies": "eplb", "drift": [0, 0.1, 0.2, 0.3])"));
  double last = 0;
  for (const char* drift : {"0", "0.1", "0.2", "0.3"}) {
    const double now = cell_of(r, of(std::string("drift=") + drift, "stale_max_over_mean"));
    CHECK(now > last);
    last = now;
  }
}

TEST_CASE("placing anew moves weights: bytes are experts times their size, time is bytes at the rate, and one period is best") {
  const auto r = test::run(asking(R"("ep": 32, "policies": "eplb", "drift": 0.2, "rate": "25 GB/s", "periods": ["10 s", "10 min", "12 h"], "slowed_part": 0.4)"));
  REQUIRE(r.tables[0].rows.size() == 3);
  double best = 0;
  for (const char* period : {"10", "600", "43200"}) {
    const std::string row = std::string("period_s=") + period;
    const double most = cell_of(r, of(row, "most_moved_GB")), moving = cell_of(r, of(row, "moving_s"));
    // An expert of DeepSeek-V3 has three matrices of 7168 x 2048, one byte each in FP8; whole experts move.
    CHECK(std::fmod(most * 1e9 + 0.5, 3 * 7168.0 * 2048) < 1);
    CHECK(most <= 58 * 9 * 3 * 7168.0 * 2048 * 1e-9);          // every slot of every layer
    CHECK(cell_of(r, of(row, "moved_GB")) <= most);
    CHECK(moving == Approx(most / 25).epsilon(1e-12));
    CHECK(cell_of(r, of(row, "slower_pct")) == Approx(40 * (cell_of(r, of(row, "mean_max_over_mean")) - 1) + 100 * moving / std::stod(period)).epsilon(1e-9));
    const double never = cell_of(r, of(row, "never_slower_pct"));
    CHECK(cell_of(r, of(row, "gain_pct")) == Approx(100 * ((100 + never) / (100 + cell_of(r, of(row, "slower_pct"))) - 1)).epsilon(1e-9));
    best += cell_of(r, of(row, "best"));
  }
  CHECK(best == 1);
  CHECK(cell_of(r, of("period_s=600", "best")) == 1);   // ten seconds move weights half of the time, half a day is stale
  CHECK(cell_of(r, of("period_s=10", "mean_max_over_mean")) < cell_of(r, of("period_s=43200", "mean_max_over_mean")));
}

TEST_CASE("BF16 experts are twice as heavy") {
  const auto asked = [](const char* weights) {
    const auto r = test::run(asking(std::string(R"("ep": 32, "policies": "eplb", "drift": 0.2, "periods": "1 h", "layers": 4, "weights": ")") + weights + "\""));
    return cell_of(r, of("ep=32", "moved_GB"));
  };
  CHECK(asked("bf16") == Approx(2 * asked("fp8")).epsilon(1e-12));
}

TEST_CASE("the same seed gives the same rows, another one others") {
  const auto value = [](std::uint64_t seed) { return cell_of(test::run(asking(R"("ep": 32, "policies": "random")"), 1, seed), of("ep=32", "max_over_mean")); };
  CHECK(value(1) == value(1));
  CHECK(value(1) != value(2));
}

TEST_CASE("what cannot be placed is refused before anything runs, with its place") {
  CHECK(holds(test::error_of(asking(R"("ep": 12)")), "/workload/0/ep"));
  CHECK(holds(test::error_of(asking(R"("ep": 144, "redundant": 31)")), "/workload/0/redundant"));
  CHECK(holds(test::error_of(asking(R"("ep": [32, 144], "redundant": [32, 32, 32])")), "/workload/0/redundant: 3 numbers for 2 of \"ep\""));
  CHECK(holds(test::error_of(asking(R"("ep": 144, "policies": "hierarchical")")), "/workload/0/policies"));
  CHECK(holds(test::error_of(asking(R"("policies": "eplbb")")), "/workload/0/policies"));
  CHECK(holds(test::error_of(asking(R"("model": "qwen2.5-72b")")), "/workload/0/model"));
  CHECK(holds(test::error_of(asking(R"("balance": 1.2)")), "/workload/0/balance"));
  CHECK(holds(test::error_of(asking(R"("balance": {"policy": "none"})")), "/workload/0/balance/policy"));
  CHECK(holds(test::error_of(asking(R"("balance": {"sigma": -0.1})")), "/workload/0/balance/sigma"));
  CHECK(holds(test::error_of(asking(R"("periods": [])")), "/workload/0/periods"));
  CHECK(holds(test::error_of(asking(R"("periods": "0 s")")), "/workload/0/periods"));
  CHECK(holds(test::error_of(asking(R"("drift": -1)")), "/workload/0/drift"));
  CHECK(holds(test::error_of(asking(R"("rate": "4 us")")), "/workload/0/rate"));
  CHECK(holds(test::error_of(asking(R"("skew": 1)")), "/workload/0/skew"));
}

TEST_CASE("the shipped scenario agrees with an independent computation of the same placements, which is nobody's publication and so no row of weft validate") {
  const Scenario shipped = load_scenario(test::data().find("scenarios", "eplb_imbalance").string(), {});
  reports::Report r = run_scenario(shipped, test::data(), {});
  check_expectations(shipped, r);
  CHECK(r.expectations.size() >= 33);
  for (const auto& e : r.expectations) {
    CAPTURE(e.of);
    CHECK(e.pass);
  }
  for (const Expect& e : shipped.expects) CHECK(e.id.empty());
}
