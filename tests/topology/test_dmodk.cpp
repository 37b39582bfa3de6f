// Static routing by destination (D-mod-k): shifts are free of conflicts, random permutations are not.
#include <cmath>

#include <doctest/doctest.h>

#include "tests/support/permutations.h"

using namespace weft;
using namespace weft::testing;
using topology::Policy;

namespace {

std::vector<std::uint32_t> shift(std::uint32_t n, std::uint32_t by) {
  std::vector<std::uint32_t> to;
  for (std::uint32_t i = 0; i < n; ++i) to.push_back((i + by) % n);
  return to;
}

}  // namespace

TEST_CASE("every cyclic shift runs at line rate, with one cable per spine and with eight (N4.07)") {
  const std::pair<std::uint32_t, std::vector<std::uint32_t>> fabrics[] = {
      {2048, {1, 31, 32, 33, 1000, 2047}},                       // 64 leaves x 32 spines x 1 cable
      {256, {1, 2, 17, 31, 32, 33, 63, 64, 100, 128, 200, 255}}  // 8 leaves x 4 spines x 8 cables
  };
  for (const auto& [n, shifts] : fabrics) {
    const auto f = make_fabric(R"({"kind": "ft2"})", n, "endpoint");
    topology::Router r(f, {.policy = Policy::static_dmodk});
    for (const std::uint32_t by : shifts) {
      CAPTURE(by);
      const MeanMin m = mean_and_min(permutation_rates(r, shift(n, by)));
      CHECK(std::abs(m.min - 1) <= 1e-9);
      CHECK(std::abs(m.mean - 1) <= 1e-9);
    }
  }
}

TEST_CASE("a shift over the nodes is free of conflicts on all planes and rails at once") {
  // All eight NICs of 64 nodes; the GPU index must not reach the choice of a spine.
  for (const char* kind : {R"({"kind": "mpft"})", R"({"kind": "mrft"})"}) {
    const auto f = make_fabric(kind, 64);
    topology::Router r(f, {.policy = Policy::static_dmodk});
    for (const std::uint32_t by : {1u, 31u, 32u, 33u}) {
      std::map<LinkId, double> load;
      for (std::uint32_t n = 0; n < 64; ++n)
        for (std::uint32_t i = 0; i < 8; ++i)
          for (const auto& [link, share] : hops_of(r, routes(r, nic(n, i), nic((n + by) % 64, i)).at(0))) load[link] += share;
      for (const auto& [link, carried] : load) CHECK(carried == 1);
    }
  }
}

TEST_CASE("a shift is free of conflicts through three layers") {
  const auto f = make_fabric(R"({"kind": "ft3", "radix": 8})", 128, "endpoint");
  topology::Router r(f, {.policy = Policy::static_dmodk});
  for (const std::uint32_t by : {1u, 4u, 5u, 16u, 37u, 64u, 127u})
    CHECK(mean_and_min(permutation_rates(r, shift(128, by))).min == doctest::Approx(1).epsilon(1e-9));
}

TEST_CASE("a random permutation gets 0.638 of the line rate (N4.08)") {
  // 32 destinations of a leaf have 32 spines, but the 32 sources of a leaf throw balls into bins: 1 - (31/32)^32
  const auto f = make_fabric(R"({"kind": "ft2"})", 2048, "endpoint");
  topology::Router r(f, {.policy = Policy::static_dmodk});
  double mean = 0;
  const int trials = 3;
  for (int t = 0; t < trials; ++t)
    mean += mean_and_min(permutation_rates(r, cross_leaf_permutation(2048, 32, static_cast<std::uint64_t>(t)))).mean / trials;
  CHECK(std::abs(mean - 0.638) <= 0.02);
}

TEST_CASE("static routes stay single and live when a spine is lost") {
  const auto f = make_fabric(R"({"kind": "ft2"})", 256, "endpoint");
  topology::Router r(f, {.policy = Policy::static_dmodk});
  take_down(r, vertex_named(f, "spine2"));
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (const auto& [link, share] : hops_of(r, routes(r, nic(i), nic((i + 64) % 256)).at(0))) {
      CHECK(r.is_up(link));
      CHECK(share == 1);
    }
  }
}
