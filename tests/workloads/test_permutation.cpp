// Permutations against Monte-Carlo numbers of ECMP, D-mod-k and spraying on two fabrics.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

topology::RoutingSpec routed(topology::Policy policy, std::uint32_t qps = 1) {
  topology::RoutingSpec spec;
  spec.policy = policy;
  spec.qps = qps;
  return spec;
}

const std::string big = R"({"kind": "ft2", "radix": 64})";  // 64 leaves x 32 spines x 1 cable
const std::string random_trials = R"({"kind": "permutation", "trials": 4})";

/// 2,048 NICs on the big fabric, one a node; or 256 on one with 8 leaves, 4 spines and 8 parallel cables (an MPFT's
/// plane at 2,048 GPUs).
Row random_on(std::uint32_t nics, topology::RoutingSpec spec, const std::string& job = random_trials) {
  return Ground(big, nics, "endpoint", "ideal", {}, spec).run(job).at(0);
}

}  // namespace

TEST_CASE("a random \"permutation\" under adaptive routing runs at line rate") {
  for (const std::uint32_t nics : {2048u, 256u}) {
    const Row row = random_on(nics, routed(topology::Policy::adaptive));
    CHECK(row.number("mean_share") == doctest::Approx(1).epsilon(1e-9));
    CHECK(row.number("min_share") == doctest::Approx(1).epsilon(1e-9));
    CHECK(row.number("slowest_sub_flow_slowdown") == doctest::Approx(1).epsilon(1e-9));
  }
}

TEST_CASE(
    "N4.03-N4.06: per-flow ECMP gives a random permutation 0.50 to 0.90 of the line rate, more with queue pairs") {
  const std::uint32_t qps[] = {1, 2, 4, 8};
  const double mean[2][4] = {{0.502, 0.658, 0.801, 0.898}, {0.504, 0.656, 0.798, 0.895}};
  const double min[2][4] = {{0.168, 0.244, 0.420, 0.598}, {0.204, 0.300, 0.464, 0.631}};
  const std::string few = R"({"kind": "permutation", "trials": 3})", many = R"({"kind": "permutation", "trials": 24})";
  for (int i = 0; i < 4; ++i) {
    const Row large = random_on(2048, routed(topology::Policy::ecmp, qps[i]), few),
              small = random_on(256, routed(topology::Policy::ecmp, qps[i]), many);
    CHECK(std::abs(large.number("mean_share") - mean[0][i]) < 0.015);
    CHECK(std::abs(large.number("min_share") - min[0][i]) < 0.05);
    CHECK(std::abs(small.number("mean_share") - mean[1][i]) < 0.015);
    CHECK(std::abs(small.number("min_share") - min[1][i]) < 0.05);
  }
}

TEST_CASE("N4.07: D-mod-k carries cyclic shifts at line rate") {
  for (const int by : {1, 5, 32, 100, 255}) {
    const std::string shift =
        R"({"kind": "permutation", "pattern": "shift", "trials": 1, "by": )" + std::to_string(by) + "}";
    for (const std::uint32_t nics : {2048u, 256u}) {
      const Row row = random_on(nics, routed(topology::Policy::static_dmodk), shift);
      CHECK(row.number("mean_share") == doctest::Approx(1).epsilon(1e-9));
      CHECK(row.number("min_share") == doctest::Approx(1).epsilon(1e-9));
    }
  }
}

TEST_CASE("N4.08: D-mod-k carries a random permutation at 0.64 of the line rate") {
  CHECK(std::abs(random_on(2048, routed(topology::Policy::static_dmodk)).number("mean_share") - 0.638) < 0.02);
}

TEST_CASE("on an MPFT every rail is permuted by itself, and permuting across rails is refused") {
  const Ground ground(mpft, 64);
  CHECK(ground.number(random_trials, "mean_share") == doctest::Approx(1));
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "permutation", "across_rails": true})"),
                       doctest::Contains("planes of an MPFT"), UserError);
  CHECK(Ground(mrft, 64).number(R"({"kind": "permutation", "across_rails": true, "trials": 2})", "mean_share") ==
        doctest::Approx(1));
}
