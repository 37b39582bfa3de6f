// Throughput of Slim Fly and Dragonfly at flow level: uniform, adversarial, with and without Valiant's detour.
#include <cmath>

#include <doctest/doctest.h>

#include "tests/support/fabrics.h"
#include "topology/ugal.h"

using namespace weft;
using namespace weft::testing;
using topology::PathChoice;

namespace {

/// Endpoints i -> i + by, all at line rate.
std::vector<topology::Demand> shifted(std::uint32_t n, std::uint32_t by) {
  std::vector<topology::Demand> out;
  for (std::uint32_t i = 0; i < n; ++i) out.push_back({nic(i), nic((i + by) % n), 1});
  return out;
}

topology::Fabric table3_dragonfly() {
  return make_fabric(R"({"kind": "dragonfly", "p": 16, "a": 32, "h": 16, "g": 511})", 261632, "endpoint");
}

}  // namespace

TEST_CASE("a Slim Fly saturates under uniform traffic at k' / (p * mean distance) (N4.15)") {
  struct Row {
    int q, endpoints, degree;
    double theta;
  };
  for (const Row& row : {Row{27, 30618, 41, 0.990}, Row{29, 35322, 43, 1.037}}) {
    CAPTURE(row.q);
    const auto f = make_fabric(fmt::format(R"({{"kind": "slim_fly", "q": {}, "p": 21}})", row.q),
                               static_cast<std::uint32_t>(row.endpoints), "endpoint");
    const topology::Router r(f, {});
    const std::vector<double> loads = topology::uniform_link_loads(r);
    const double routers = 2.0 * row.q * row.q, mean_distance = 2 - row.degree / (routers - 1);
    // The formula is about the mean load of the cables.
    const double balanced = topology::balanced_saturation(r, loads);
    CHECK(std::abs(balanced - row.degree / (21 * mean_distance)) <= 0.005);
    CHECK(std::abs(balanced - row.theta) <= 0.005);
    // The busiest cables carry more. They join (0,x,y) and (1,m,c): q of them at a router. Of the targets of (0,x,y),
    // q (q - 1) at other x take two such cables, q one, and q (q - 1) one with a cable inside x or m:
    // (2 q (q - 1) + q + q (q - 1)) / q = 3 q - 2 targets per cable, of p senders and p / (N - 1) each.
    const double busiest = (3.0 * row.q - 2) * 21 * 21 / (row.endpoints - 1);
    CHECK(topology::saturation(loads) == doctest::Approx(1 / busiest).epsilon(1e-9));
  }
}

TEST_CASE("Valiant halves what a Slim Fly carries of uniform traffic") {
  // Two legs to and from any of the 50 routers (the ends themselves included) load cables as two uniform patterns of
  // 49/50: the throughput falls by 50 / 98.
  const auto f = make_fabric(R"({"kind": "slim_fly", "q": 5})", 200, "endpoint");
  const double minimal = topology::saturation(topology::uniform_link_loads(topology::Router(f, {})));
  const double valiant = topology::saturation(topology::uniform_link_loads(topology::Router(f, {.paths = PathChoice::valiant})));
  CHECK(valiant == doctest::Approx(minimal * 50 / 98).epsilon(1e-9));
}

TEST_CASE("when each router of a Slim Fly sends to its next, minimal gets 1/p and Valiant about half") {
  // Endpoints 21 i .. 21 i + 20 sit on router i; neighbours share one cable.
  const auto f = make_fabric(R"({"kind": "slim_fly", "q": 29, "p": 21})", 35322, "endpoint");
  const auto demands = shifted(35322, 21);
  CHECK(topology::saturation(topology::Router(f, {}), demands) <= 1.0 / 21 + 1e-9);
  CHECK(std::abs(topology::saturation(topology::Router(f, {.paths = PathChoice::valiant}), demands) - 0.5) <= 0.05);
}

TEST_CASE("UGAL's share is the best mixture of minimal and Valiant") {
  const auto f = make_fabric(R"({"kind": "slim_fly", "q": 13, "p": 10})", 3380, "endpoint");
  // Router (t, x, y) sends to (t, x, y + 1): minimal paths load the cables inside x alone, detours all others more.
  std::vector<topology::Demand> demands;
  for (std::uint32_t e = 0; e < 3380; ++e) {
    const std::uint32_t router = e / 10, next = router % 13 == 12 ? router - 12 : router + 1;
    demands.push_back({nic(e), nic(next * 10 + e % 10), 1});
  }
  const auto mixed = [&](double share) {
    return topology::saturation(topology::Router(f, {.paths = PathChoice::ugal, .ugal_minimal_share = share}), demands);
  };
  const double share = topology::solve_ugal_share(f, demands), best = mixed(share);
  CHECK(share > 0);
  CHECK(share < 1);
  for (const double other : {0.0, share - 0.01, share + 0.01, 1.0}) CHECK(mixed(other) < best);
}

TEST_CASE("UGAL finds the lowest point of the highest line") {
  // max(x, 3 (1 - x), 0.5): equal at x = 3/4
  const std::vector<double> minimal{1, 0, 0.5}, valiant{0, 3, 0.5};
  CHECK(topology::solve_ugal_share(minimal, valiant) == doctest::Approx(0.75).epsilon(1e-12));
  CHECK(topology::solve_ugal_share(valiant, minimal) == doctest::Approx(0.25).epsilon(1e-12));
  const std::vector<double> low{1, 1}, high{2, 3};
  CHECK(topology::solve_ugal_share(low, high) == 1);
  CHECK(topology::solve_ugal_share(high, low) == 0);
}

TEST_CASE("a Dragonfly of 511 groups carries uniform traffic with 0.998 on its global cables (N4.16)") {
  const auto f = table3_dragonfly();
  const topology::Router r(f, {});
  const std::vector<double> loads = topology::uniform_link_loads(r);
  double sum = 0, most = 0, least = 1e9, most_local = 0;
  int cables = 0;
  for (std::uint32_t l = 0; l < loads.size(); ++l) {
    const auto cable = f.link(LinkId(l)).cable;
    if (cable == topology::CableClass::local) most_local = std::max(most_local, loads[l]);
    if (cable != topology::CableClass::long_haul) continue;
    sum += loads[l];
    ++cables;
    most = std::max(most, loads[l]);
    least = std::min(least, loads[l]);
  }
  // 512 * 512 / (N - 1) = 1.002 between each two groups, over 512 ports for 510 peers; two pairs have two cables.
  CHECK(std::abs(sum / cables - 0.998) <= 0.001);
  CHECK(std::abs(most - 1.002) <= 0.001);
  CHECK(std::abs(least - 0.501) <= 0.001);
  CHECK(most_local == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("a shift by groups leaves 1/512 to minimal routes and half to Valiant's (N4.13, N4.14)") {
  const auto f = table3_dragonfly();
  const topology::Router minimal(f, {}), valiant(f, {.paths = PathChoice::valiant});
  // a * p = 512 endpoints share the one cable between two groups; next neighbours have two.
  CHECK(std::abs(topology::saturation(topology::group_shift_link_loads(minimal, 2)) - 0.001953) <= 0.01 * 0.001953);
  CHECK(std::abs(topology::saturation(topology::group_shift_link_loads(minimal, 1)) - 2 / 512.0) <= 0.01 * 2 / 512);
  const double theta = topology::saturation(topology::group_shift_link_loads(valiant, 1));
  CHECK(std::abs(theta - 0.5) <= 0.03);
}
