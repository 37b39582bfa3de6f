// Figure 8 of arXiv:2505.09343: ring all-gather and reduce-scatter of data-parallel groups under three kinds of
// routing.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

// Four nodes (32 NICs) a leaf, 32 spines, all of a node's NICs on one leaf: an FT2 of radix 64.
const std::string leaf_spine = R"({"kind": "ft2", "radix": 64, "spines": 32})";
const std::string tps = R"("tp": [8, 4, 2])";

std::vector<Row> figure(const std::string& kind, std::uint32_t nodes, topology::Policy policy, int trials,
                        std::uint32_t qps = 1) {
  topology::RoutingSpec spec;
  spec.policy = policy;
  spec.qps = qps;
  return Ground(leaf_spine, nodes, "h800", "ideal", {}, spec)
      .run(R"({"kind": ")" + kind + R"(", "gpus": )" + std::to_string(8 * nodes) +
           R"(, "sizes": "8 GB", "kernel": "line_rate", )" + tps + R"(, "trials": )" + std::to_string(trials) + "}");
}

/// Mean bandwidth of a group under ECMP over that under spraying, for tp 8, 4 and 2.
std::vector<double> ratio(std::uint32_t nodes, int trials, std::uint32_t qps = 1) {
  const auto sprayed = figure("all_gather", nodes, topology::Policy::adaptive, 1);
  const auto hashed = figure("all_gather", nodes, topology::Policy::ecmp, trials, qps);
  std::vector<double> r;
  for (std::size_t i = 0; i < 3; ++i)
    r.push_back(hashed[i].number("group_algbw_GBps") / sprayed[i].number("group_algbw_GBps"));
  return r;
}

}  // namespace

// algbw = (8/TP) B n/(n-1) with n = 8 * 8/TP GPUs in a group, B = 50 GB/s.
TEST_CASE("N4.10: under adaptive routing groups reach 57.1, 106.7 and 206.5 GB/s at TP 8, 4 and 2") {
  const double ceiling[] = {57.1, 106.7, 206.5};
  for (const char* kind : {"all_gather", "reduce_scatter"}) {
    const auto rows = figure(kind, 8, topology::Policy::adaptive, 1);
    for (int i = 0; i < 3; ++i) CHECK(rows[i].number("algbw_GBps") == doctest::Approx(ceiling[i]).epsilon(0.01));
  }
}

TEST_CASE(
    "N4.09: adaptive is no slower than static, static than ECMP; bandwidth rises and ECMP's part falls as TP falls") {
  for (const char* kind : {"all_gather", "reduce_scatter"}) {
    const auto ar = figure(kind, 8, topology::Policy::adaptive, 1),
               st = figure(kind, 8, topology::Policy::static_dmodk, 1),
               ec = figure(kind, 8, topology::Policy::ecmp, 20);
    double before = 0, part_before = 1;
    for (int i = 0; i < 3; ++i) {
      const double a = ar[i].number("group_algbw_GBps"), s = st[i].number("group_algbw_GBps"),
                   e = ec[i].number("group_algbw_GBps");
      CHECK(a == doctest::Approx(s).epsilon(1e-9));  // the rings are aligned
      CHECK(s > e);
      CHECK(a > before);
      CHECK(e / a < part_before);
      before = a, part_before = e / a;
    }
  }
}

TEST_CASE("N4.11: ECMP reaches 0.81, 0.71 and 0.60 of adaptive routing on 8 nodes") {
  const double expected[] = {0.81, 0.71, 0.60};
  const auto r = ratio(8, 60);
  for (int i = 0; i < 3; ++i) CHECK(std::abs(r[i] - expected[i]) < 0.05);
}

TEST_CASE("N4.12: larger rings lose more, and queue pairs help") {
  const double on16[] = {0.70, 0.58, 0.50}, on32[] = {0.56, 0.48, 0.45}, on32_4qp[] = {0.92, 0.89, 0.88};
  const auto a = ratio(16, 40), b = ratio(32, 20), c = ratio(32, 10, 4);
  for (int i = 0; i < 3; ++i) {
    CHECK(std::abs(a[i] - on16[i]) < 0.05);
    CHECK(std::abs(b[i] - on32[i]) < 0.05);
    CHECK(std::abs(c[i] - on32_4qp[i]) < 0.05);
  }
}
