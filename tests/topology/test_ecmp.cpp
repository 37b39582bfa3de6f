// ECMP: what hashing flows onto equal paths costs, against balls in bins and against published Monte-Carlo figures.
#include <algorithm>
#include <cmath>
#include <map>

#include <doctest/doctest.h>

#include "tests/support/permutations.h"

using namespace weft;
using namespace weft::testing;
using topology::Policy;

namespace {

/// Flows on those of a leaf's 32 uplinks that any of `flows` from leaf 0 to leaf 1 took.
std::vector<int> uplink_loads(topology::Router& r, std::uint32_t flows, std::uint32_t trial) {
  std::map<LinkId, int> load;
  for (std::uint32_t i = 0; i < flows; ++i) {
    const auto route = routes(r, nic(i % 32), nic(32 + i % 32), trial * std::uint64_t{1000} + i).at(0);
    for (const auto& [link, share] : hops_of(r, route))
      if (r.fabric().vertex(r.fabric().link(link).to).tier == 1) ++load[link];
  }
  std::vector<int> out;
  for (const auto& [link, n] : load) out.push_back(n);
  return out;
}

struct Expected {
  std::uint32_t qps;
  double mean_wide, min_wide, mean_plane, min_plane;
};

/// Mean NIC rate and the mean of the trials' minimum.
MeanMin hashed_permutations(const topology::Fabric& f, std::uint32_t qps, int trials) {
  MeanMin sum;
  const std::uint32_t n = f.placement().nodes();
  for (int t = 0; t < trials; ++t) {
    topology::Router r(f, {.policy = Policy::ecmp, .qps = qps, .seed = static_cast<std::uint64_t>(t)});
    const MeanMin m = mean_and_min(permutation_rates(r, cross_leaf_permutation(n, 32, static_cast<std::uint64_t>(t))));
    sum.mean += m.mean / trials;
    sum.min += m.min / trials;
  }
  return sum;
}

}  // namespace

TEST_CASE("32 flows hashed onto 32 uplinks use 1 - (31/32)^32 = 0.638 of them (N4.01)") {
  const auto f = make_fabric(R"({"kind": "ft2"})", 64, "endpoint");
  topology::Router r(f, {.policy = Policy::ecmp});
  double used = 0;
  const std::uint32_t trials = 4000;
  for (std::uint32_t t = 0; t < trials; ++t) used += static_cast<double>(uplink_loads(r, 32, t).size()) / 32 / trials;
  CHECK(std::abs(used - 0.6379) <= 0.005);
}

TEST_CASE("the busiest of 32 uplinks gets what balls in bins say (N4.02)") {
  const auto f = make_fabric(R"({"kind": "ft2"})", 64, "endpoint");
  topology::Router r(f, {.policy = Policy::ecmp});
  const std::pair<std::uint32_t, double> expected[] = {{32, 3.53}, {64, 5.43}, {128, 8.67}, {256, 14.4}};
  for (const auto& [flows, most] : expected) {
    double sum = 0;
    const std::uint32_t trials = 2000;
    for (std::uint32_t t = 0; t < trials; ++t) {
      const std::vector<int> loads = uplink_loads(r, flows, t);
      sum += static_cast<double>(*std::max_element(loads.begin(), loads.end())) / trials;
    }
    CHECK(std::abs(sum - most) <= 0.02 * most);
  }
}

TEST_CASE("a random cross-leaf permutation under ECMP gets half the line rate, more with more QPs (N4.03 to N4.06)") {
  // Sub-flows are max-min flows of their own that share the NIC; the minimum is a trial's, averaged over trials.
  const auto wide = make_fabric(R"({"kind": "ft2"})", 2048, "endpoint");   // 64 leaves x 32 spines x 1 cable
  const auto plane = make_fabric(R"({"kind": "ft2"})", 256, "endpoint");   // 8 leaves x 4 spines x 8 cables
  const Expected expected[] = {{1, 0.502, 0.168, 0.504, 0.204},
                               {2, 0.658, 0.244, 0.656, 0.300},
                               {4, 0.801, 0.420, 0.798, 0.464},
                               {8, 0.898, 0.598, 0.895, 0.631}};
  for (const Expected& e : expected) {
    CAPTURE(e.qps);
    const MeanMin w = hashed_permutations(wide, e.qps, 2), p = hashed_permutations(plane, e.qps, 12);
    CHECK(std::abs(w.mean - e.mean_wide) <= 0.015);
    CHECK(std::abs(w.min - e.min_wide) <= 0.05);
    CHECK(std::abs(p.mean - e.mean_plane) <= 0.015);
    CHECK(std::abs(p.min - e.min_plane) <= 0.05);
  }
}

TEST_CASE("spraying gives every permutation the line rate") {
  const auto f = make_fabric(R"({"kind": "ft2"})", 256, "endpoint");
  topology::Router r(f, {});
  const MeanMin m = mean_and_min(permutation_rates(r, cross_leaf_permutation(256, 32, 7)));
  CHECK(m.mean == doctest::Approx(1).epsilon(1e-9));
  CHECK(m.min == doctest::Approx(1).epsilon(1e-9));
}

TEST_CASE("a flow's path depends on seed, key and QP, and on nothing else") {
  const auto f = make_fabric(R"({"kind": "ft2"})", 256, "endpoint");
  const auto path = [&](std::uint64_t seed, std::uint64_t key, std::uint32_t qps, std::uint32_t qp, bool warm) {
    topology::Router r(f, {.policy = Policy::ecmp, .qps = qps, .seed = seed});
    if (warm) for (std::uint32_t i = 1; i < 100; ++i) routes(r, nic(i), nic(200), i);
    return hops_of(r, routes(r, nic(0), nic(200), key).at(qp));
  };
  CHECK(path(1, 5, 1, 0, false) == path(1, 5, 1, 0, true));
  CHECK(path(1, 5, 1, 0, false) == path(1, 5, 4, 0, false));
  int seeds = 0, keys = 0, qps = 0;
  for (std::uint32_t i = 1; i <= 64; ++i) {
    seeds += path(1, 5, 1, 0, false) != path(1 + i, 5, 1, 0, false);
    keys += path(1, 5, 1, 0, false) != path(1, 5 + i, 1, 0, false);
    qps += path(1, 5, 65, 0, false) != path(1, 5, 65, i, false);
  }
  // A second draw takes the same uplink and the same downlink with 1/32 * 1/8.
  CHECK(seeds >= 60);
  CHECK(keys >= 60);
  CHECK(qps >= 60);
}
