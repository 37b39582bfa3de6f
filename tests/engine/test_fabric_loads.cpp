// What whole fabrics carry: permutations, parity of planes and rails, and what a lost spine costs.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/bench/programs.h"
#include "tests/engine/play.h"
#include "tests/support/permutations.h"

using namespace weft;
using namespace weft::testing;
using workloads::StaticProgram;
using doctest::Approx;

namespace {

constexpr const char* mpft = R"({"kind": "mpft"})";
constexpr const char* mrft = R"({"kind": "mrft"})";
constexpr std::uint32_t nodes = 256;

/// Time until rail `rail` has sent 1 GB from every node: to each other node in equal parts, or all to the node 128 on.
double rail_time(const topology::Fabric& f, std::uint32_t rail, bool uniform) {
  StaticProgram p;
  for (std::uint32_t a = 0; a < nodes; ++a) {
    if (!uniform) {
      send(p, 1e9, nic(a, rail), nic((a + 128) % nodes, rail));
      continue;
    }
    for (std::uint32_t d = 0; d < nodes; ++d) {
      if (d != a) send(p, 1e9 / (nodes - 1), nic(a, rail), nic(d, rail));
    }
  }
  return play(f, p).summary.makespan.value();
}

/// How much longer rail 0 takes than on the sound fabric.
double slowdown(const char* topology, const std::string& lost, bool uniform) {
  const auto sound = make_fabric(topology, nodes, "h800"), broken = make_fabric(topology, nodes, "h800", "ideal", {lost});
  CHECK(rail_time(sound, 0, uniform) == Approx(1e9 / line).epsilon(1e-9));
  return rail_time(broken, 0, uniform) / rail_time(sound, 0, uniform);
}

}  // namespace

TEST_CASE("a permutation on a non-blocking fat tree with adaptive routing runs at line rate (7.4 d)") {
  const auto f = make_fabric(R"({"kind": "ft2"})", 256, "endpoint");
  const auto to = cross_leaf_permutation(256, 32, 7);
  StaticProgram p;
  for (std::uint32_t i = 0; i < 256; ++i) send(p, 1e9, nic(i), nic(to[i]));
  const auto r = play(f, p, {.stop_after_first_rates = true});
  REQUIRE(r.rate.size() == 256);
  for (const auto& [id, rate] : r.rate) CHECK(rate == Approx(line).epsilon(1e-9));
}

TEST_CASE("planes and rails are the same to 1e-9 for an all-to-all with PXN (7.4 g)") {
  for (const std::uint32_t n : {2u, 16u, 64u}) {
    const auto planes = make_fabric(mpft, n, "h800", "infiniband"), rails = make_fabric(mrft, n, "h800", "infiniband");
    bench::PxnAllToAll p(n, 1e6);
    const double a = play(planes, p).summary.makespan.value(), b = play(rails, p).summary.makespan.value();
    CHECK(a == Approx(b).epsilon(1e-9));
  }
}

TEST_CASE("N8.06: a spine lost in one plane of an MPFT slows a uniform all-to-all of that plane by 1.171") {
  // 224 of 255 destinations are on other leaves: 32 * 224/255 = 28.1 uplinks busy, 24 left: 28.1 / 24 = 1.1712
  CHECK(slowdown(mpft, "plane0.spine0", true) == Approx(32.0 * 224 / 255 / 24).epsilon(1e-9));
  CHECK(std::abs(slowdown(mpft, "plane0.spine0", true) - 1.1712) <= 0.01 * 1.1712);
}

TEST_CASE("N8.07: a spine lost in an MRFT costs a uniform all-to-all nothing") {
  // 28.1 uplinks busy of 31 that are left
  CHECK(slowdown(mrft, "spine0", true) == Approx(1).epsilon(1e-9));
}

TEST_CASE("N8.08: a spine lost under an all-cross-leaf shift costs 4/3 in the plane of an MPFT, 32/31 in an MRFT") {
  CHECK(slowdown(mpft, "plane0.spine0", false) == Approx(32.0 / 24).epsilon(1e-9));
  CHECK(slowdown(mrft, "spine0", false) == Approx(32.0 / 31).epsilon(1e-9));
}

TEST_CASE("the other planes of an MPFT do not feel a spine lost in one") {
  const auto broken = make_fabric(mpft, nodes, "h800", "ideal", {"plane0.spine0"});
  CHECK(rail_time(broken, 1, true) == Approx(1e9 / line).epsilon(1e-9));
}

TEST_CASE("a spine that dies half way costs half of what it costs from the start") {
  // Shift: 20 ms at line rate. Dead from 10 ms on: 10 + 10 * 4/3 ms.
  const auto f = make_fabric(mpft, nodes, "h800");
  StaticProgram p;
  for (std::uint32_t a = 0; a < nodes; ++a) send(p, 1e9, nic(a, 0), nic((a + 128) % nodes, 0));
  engine::Options o;
  for (LinkId l : f.out_links(vertex_named(f, "plane0.spine0"))) o.events.push_back({Seconds(0.01), engine::FabricEvent::What::fail, l, {}});
  CHECK(play(f, p, o).summary.makespan.value() == Approx(0.01 + 0.01 * 4 / 3).epsilon(1e-9));
}

TEST_CASE("per-flow ECMP splits a transfer into one flow per queue pair, of which the slowest counts") {
  // The same hashed sub-routes by progressive filling: rates of all sub-flows of a permutation on 8 leaves.
  const auto f = make_fabric(R"({"kind": "ft2"})", 256, "endpoint");
  const topology::RoutingSpec ecmp{.policy = topology::Policy::ecmp, .qps = 4, .seed = 3};
  const auto to = cross_leaf_permutation(256, 32, 3);
  StaticProgram p;
  for (std::uint32_t i = 0; i < 256; ++i) send(p, 1e9, nic(i), nic(to[i]), {.flow_key = i});
  const auto r = play(f, p, {.stop_after_first_rates = true}, ecmp);
  REQUIRE(r.rate.size() == 4 * 256);
  topology::Router router(f, ecmp);
  const std::vector<double> plain = permutation_rates(router, to);   // in line rates, summed over sub-flows
  for (std::uint32_t i = 0; i < 256; ++i) {
    double sum = 0;
    for (std::uint32_t q = 0; q < 4; ++q) sum += r.rate.at({i, q});
    CHECK(sum == Approx(plain[i] * line).epsilon(1e-9));
  }
}

TEST_CASE("an all-to-all of 2,048 GPUs runs as a handful of classes and meets its bound") {
  // 255 * 8 * 8 * 1 MB / 8 per NIC at the kernel's 44 GB/s, after 2.8 us and more of latency
  const auto f = make_fabric(mpft, nodes, "h800", "infiniband");
  bench::PxnAllToAll p(nodes, 1e6);
  topology::Router router(f, {});
  engine::TimelineSink nobody;
  const auto s = engine::run(router, p, {}, nobody);
  CHECK(s.flows == 256 * 255 * 8);
  CHECK(s.classes <= 4);
  const double wire = 255 * 8 * 1e6 / 44e9;
  CHECK(s.makespan.value() >= wire);
  CHECK(s.makespan.value() <= wire + 5e-6);
}
