// Folding: one rank simulated for all that symmetries of program and fabric turn into each other. Every test compares each
// operation of the folded run with the full one.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sim/core/random.h"
#include "tests/support/fold_checks.h"

using namespace weft;
using namespace weft::testing;

namespace {

const std::string all_to_all = R"({"kind": "all_to_all", "sizes": "64 MiB"})";
const std::string flat = R"({"kind": "all_to_all", "sizes": "64 MiB", "pxn": false})";

}  // namespace

TEST_CASE("an all-to-all on a multi-plane fat tree is simulated by one rank for all") {
  const Ground ground(R"({"kind": "mpft", "radix": 8, "planes": 8})", 16, "h800", "infiniband");   // 4 leaves of 4 nodes a plane
  const FoldedAndFull both = fold_and_full(ground, all_to_all);
  CHECK(simulated(both) == 1);
  CHECK(both.folded.summary.ranks == 128);
}

TEST_CASE("a flat all-to-all is simulated by one rank on every fabric whose leaves are alike") {
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "ft2", "radix": 16})", 16, "endpoint", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "ft2", "radix": 16})", 8, "h800", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "mrft", "radix": 8})", 4, "h800", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "ft3", "radix": 4})", 16, "endpoint", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "single_switch", "radix": 64})", 9, "endpoint", "infiniband"), flat)) == 1);
}

TEST_CASE("groups of a dragonfly and translations of a slim fly are found, where their cables have them") {
  // 9 groups of 4 routers with 2 endpoints and 2 global cables each.
  const Ground dragonfly(R"({"kind": "dragonfly", "radix": 8, "p": 2, "a": 4, "h": 2, "g": 9})", 72, "endpoint", "infiniband");
  const std::uint32_t of_dragonfly = simulated(fold_and_full(dragonfly, flat));
  CHECK(of_dragonfly > 0);
  CHECK(of_dragonfly <= 8);
  // 50 routers; y -> y + 1 turns the 5 routers of each (t, x) into each other.
  const Ground slim_fly(R"({"kind": "slim_fly", "q": 5, "p": 2})", 100, "endpoint", "infiniband");
  const std::uint32_t of_slim_fly = simulated(fold_and_full(slim_fly, flat));
  CHECK(of_slim_fly > 0);
  CHECK(of_slim_fly <= 10);
}

TEST_CASE("a leaf that is not full is a rank's own class, the full ones are folded") {
  const Ground ground(R"({"kind": "ft2", "radix": 16})", 20, "endpoint", "infiniband");   // leaves of 7, 7 and 6, or 8, 8 and 4
  const std::uint32_t ranks = simulated(fold_and_full(ground, flat));
  CHECK(ranks >= 1);
  CHECK(ranks <= 3);
}

TEST_CASE("shifts, rings and uniform exchanges of DeepEP fold") {
  const Ground ground(R"({"kind": "mpft", "radix": 8, "planes": 8})", 8, "h800", "infiniband");
  CHECK(simulated(fold_and_full(ground, R"({"kind": "shift", "sizes": "16 MiB"})")) == 1);
  CHECK(simulated(fold_and_full(ground, R"({"kind": "shift", "sizes": "16 MiB", "by": 3})")) > 0);
  for (const std::string kind : {"all_gather", "reduce_scatter", "all_reduce"})
    for (const int tp : {1, 2, 8}) {
      CAPTURE(kind);
      CAPTURE(tp);
      // Local indices alone turn: one GPU for the eight of its node.
      CHECK(simulated(fold_and_full(ground, fmt::format(R"({{"kind": "{}", "gpus": 64, "sizes": "16 MiB", "tp": {}}})", kind, tp))) == 8);
    }
  for (const std::string kind : {"deepep_dispatch", "deepep_combine", "deepep_low_latency"}) {
    CAPTURE(kind);
    CHECK(simulated(fold_and_full(ground, fmt::format(R"({{"kind": "{}", "ep": 64, "tokens": 64, "draw": "expected"}})", kind))) == 1);
  }
}

TEST_CASE("routing drawn token by token makes every rank a class of its own: nothing is folded") {
  const Ground ground(R"({"kind": "mpft", "radix": 8, "planes": 8})", 4, "h800", "infiniband");
  CHECK(simulated(fold_and_full(ground, R"({"kind": "deepep_dispatch", "ep": 32, "tokens": 64})")) == 0);
}

TEST_CASE("sizes, cluster and job drawn at random: folded and full runs agree on every operation") {
  const std::vector<std::string> kinds = {"mpft", "mrft", "ft2", "ft3"};
  for (std::uint64_t trial = 0; trial < 24; ++trial) {
    Draws draws(7, "fold", trial);
    const std::string topology = kinds[trial % kinds.size()];
    const auto nodes = static_cast<std::uint32_t>(2 + draws.below(7));
    const bool small = topology == "ft2" || topology == "ft3";
    const Ground ground(fmt::format(R"({{"kind": "{}", "radix": {}}})", topology, small ? 16 : 8), nodes, "h800", "infiniband");
    const std::uint64_t used = 1 + draws.below(nodes);
    const bool pxn = topology == "mpft" || draws.below(2) == 0;
    const std::string workload = fmt::format(R"({{"kind": "all_to_all", "gpus": {}, "sizes": "{} KiB", "pxn": {}}})", 8 * used,
                                             1 + draws.below(100000), pxn);
    CAPTURE(topology);
    CAPTURE(nodes);
    CAPTURE(workload);
    CHECK(simulated(fold_and_full(ground, workload)) > 0);
  }
}

TEST_CASE("without classes of flows a folded run is the same") {
  const Ground ground(R"({"kind": "mrft", "radix": 8})", 4, "h800", "infiniband");
  engine::Options options;
  options.classes = false;
  CHECK(simulated(fold_and_full(ground, flat, options)) == 1);
}

TEST_CASE("first rates are told for every operation, as in the full run") {
  const Ground ground(R"({"kind": "ft2", "radix": 8})", 8, "endpoint", "infiniband");
  topology::Router asked(ground.fabric, ground.routing);
  const auto cases = workload_from(flat)->cases(ground.view(asked));
  std::vector<Played> runs;
  for (const bool fold : {true, false}) {
    engine::Options options;
    options.fold = fold;
    options.stop_after_first_rates = true;
    const auto program = cases.front().program(0);
    runs.push_back(play(ground.fabric, *program, options));
  }
  CHECK(runs[0].summary.simulated_ranks == 1);
  REQUIRE(runs[0].rate.size() == runs[1].rate.size());
  for (const auto& [flow, rate] : runs[1].rate) CHECK(runs[0].rate.at(flow) == doctest::Approx(rate).epsilon(1e-9));
}
