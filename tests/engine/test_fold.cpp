// Folding: one rank simulated for all that symmetries of program and fabric turn into each other.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/fold_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

const std::string all_to_all = R"({"kind": "all_to_all", "sizes": "64 MiB"})";
const std::string flat = R"({"kind": "all_to_all", "sizes": "64 MiB", "pxn": false})";

void check_equal(const FoldedAndFull& both) {
  CHECK(both.deviation() < 1e-9);
  CHECK(both.folded.in_order);
  CHECK(both.folded.summary.operations == both.full.summary.operations);
  CHECK(both.folded.summary.flows == both.full.summary.flows);
  CHECK(both.folded.summary.max_link_utilisation == doctest::Approx(both.full.summary.max_link_utilisation).epsilon(1e-9));
  CHECK(both.full.summary.ranks == 0);
}

/// How many ranks were simulated, after both runs agreed.
std::uint32_t simulated(const FoldedAndFull& both) {
  check_equal(both);
  return both.folded.summary.ranks == 0 ? 0 : both.folded.summary.simulated_ranks;
}

}  // namespace

TEST_CASE("an all-to-all on a multi-plane fat tree is simulated by one rank for all") {
  const Ground ground(R"({"kind": "mpft", "radix": 8, "planes": 8})", 16, "h800", "infiniband");   // 4 leaves of 4 nodes a plane
  const FoldedAndFull both = fold_and_full(ground, all_to_all);
  CHECK(simulated(both) == 1);
  CHECK(both.folded.summary.ranks == 128);
}

TEST_CASE("a flat all-to-all folds on every fabric whose leaves are alike") {
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "ft2", "radix": 16})", 16, "endpoint", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "ft2", "radix": 16})", 8, "h800", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "mrft", "radix": 8})", 4, "h800", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "ft3", "radix": 4})", 16, "endpoint", "infiniband"), flat)) == 1);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "single_switch", "radix": 64})", 9, "endpoint", "infiniband"), flat)) == 1);
}
