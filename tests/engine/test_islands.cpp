// Islands: exchanges played to their ends at once, with and without others that come to their links, against the engine that merges flows.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "sim/core/random.h"
#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using workloads::Leg;
using workloads::StaticProgram;

namespace {

constexpr std::uint32_t kFlows = 512;

/// Every GPU of the eight nodes from `first` on sends to its namesake on each of them, which spreads what comes over NVLink; all sizes differ with
/// `draw`, which is also the seed. Returns the last operation.
OpId add_exchange(StaticProgram& p, std::uint32_t first, std::uint64_t draw, const std::vector<OpId>& after = {}) {
  StaticProgram::TransferOptions options;
  options.kernel = KernelId(0);
  OpId last;
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    const std::uint32_t a = first + i / 64, l = i / 8 % 8, d = first + i % 8;
    Draws draws(draw, "island", i);
    std::vector<Leg> legs;
    if (a != d) legs.push_back({gpu(a, l), gpu(d, l), 1});
    for (std::uint32_t q = 0; q < 8; ++q) {
      if (q != l) legs.push_back({gpu(d, l), gpu(d, q), draw == 0 ? 0.2 : 0.15 + 0.1 * draws.unit()});
    }
    options.weight = draw == 0 ? 1 : 0.5 + draws.unit();
    last = p.add_transfer(Bytes(draw == 0 ? 1e7 : 1e7 * (0.5 + draws.unit())), legs, options, after);
  }
  return last;
}

StaticProgram exchanges() {
  StaticProgram p;
  p.add_kernel({"dispatch", BytesPerSecond(44e9), BytesPerSecond(125e9)});
  return p;
}

/// Largest difference of any start or finish, in parts of the makespan.
double apart(const topology::Fabric& fabric, StaticProgram& p) {
  const Played islands = play(fabric, p, {.classes = false, .fold = false});
  const Played merged = play(fabric, p, {.classes = true, .fold = false});
  REQUIRE(islands.finish.size() == p.size());
  REQUIRE(merged.finish.size() == p.size());
  double worst = 0;
  for (const auto& [id, t] : islands.finish) {
    worst = std::max({worst, std::abs(t - merged.finish.at(id)), std::abs(islands.start.at(id) - merged.start.at(id))});
  }
  CHECK(islands.summary.flows == merged.summary.flows);
  CHECK(islands.summary.max_link_utilisation == doctest::Approx(merged.summary.max_link_utilisation).epsilon(1e-9));
  return worst / merged.summary.makespan.value();
}

topology::Fabric two_groups() { return make_fabric(R"({"kind": "mpft"})", 16, "h800", "infiniband"); }

}  // namespace

TEST_CASE("exchanges that share links with nobody end as they do when flows are merged") {
  const auto fabric = two_groups();
  for (const std::uint64_t draw : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}}) {
    StaticProgram p = exchanges();
    const OpId first = add_exchange(p, 0, draw);
    add_exchange(p, 8, draw + (draw > 0 ? 10 : 0));
    add_exchange(p, 0, draw, {first});   // while the first one's others still go: it has to be given up
    CHECK(apart(fabric, p) < 1e-9);
  }
}

// Time of an exchange is some 1.5 ms: what comes in between meets it at every stage.
TEST_CASE("whatever comes to the links of an island, and whenever, all end as they do when flows are merged") {
  const auto fabric = two_groups();
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    StaticProgram p = exchanges();
    add_exchange(p, 0, seed % 3);
    add_exchange(p, 8, seed);
    Draws draws(seed, "visitors");
    for (std::uint32_t n = 0; n < 30; ++n) {
      const OpId at = p.add_marker(Seconds(2.5e-3 * draws.unit()));
      const std::uint32_t local = static_cast<std::uint32_t>(draws.below(8));
      StaticProgram::TransferOptions options;
      if (n % 3 == 0) options.kernel = KernelId(0);
      if (n % 7 == 0) options.rate_cap = BytesPerSecond(5e9);
      const Leg leg[] = {{gpu(static_cast<std::uint32_t>(draws.below(16)), local), gpu(static_cast<std::uint32_t>(draws.below(16)), local), 1}};
      p.add_transfer(Bytes(n % 5 == 0 ? 0 : 2e7 * draws.unit()), leg, options, std::vector<OpId>{at});
    }
    add_exchange(p, 4, seed, {p.add_marker(Seconds(1e-3 * draws.unit()))});   // half in each group: joins two islands
    CHECK(apart(fabric, p) < 1e-9);
  }
}

// 448 flows over NICs at 1/7 of 44 GB/s each, and 64 inside nodes that are done before: 7 x 1e7 B / 44 GB/s, as long as NVLink does not limit
// (1e7 B x 8 x 7 x 0.2 over 125 GB/s).
TEST_CASE("an island takes what its links say") {
  const auto fabric = make_fabric(R"({"kind": "mpft"})", 8, "ideal", "ideal");
  StaticProgram p = exchanges();
  add_exchange(p, 0, 0);
  const Played played = play(fabric, p, {.classes = false, .fold = false});
  CHECK(played.summary.makespan.value() == doctest::Approx(7e7 / 44e9).epsilon(1e-9));
}

TEST_CASE("an island with a link that carries nothing is none, and is told") {
  const auto fabric = two_groups();
  topology::Router router(fabric, {});
  StaticProgram p = exchanges();
  add_exchange(p, 0, 1);
  const auto links = fabric.links();
  for (std::uint32_t l = 0; l < links.size(); ++l) {
    if (links[l].cable == topology::CableClass::nvlink) {
      router.set_capacity(LinkId(l), BytesPerSecond(0));
      break;
    }
  }
  CHECK_THROWS_WITH_AS(play(router, p, {.classes = false, .fold = false}), doctest::Contains("never finish"), RunError);
}
