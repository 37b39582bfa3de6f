#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"
#include "topology/kinds/galois.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("GF(q) is a field for primes and prime powers") {
  for (std::uint32_t q : {3u, 4u, 5u, 7u, 8u, 9u, 16u, 25u, 27u, 29u}) {
    const topology::GaloisField f(q);
    CAPTURE(q);
    for (std::uint32_t a = 0; a < q; ++a) {
      REQUIRE(f.add(a, f.negative(a)) == 0);
      REQUIRE(f.multiply(a, 1) == a);
      std::uint32_t inverses = 0;
      for (std::uint32_t b = 0; b < q; ++b) {
        inverses += f.multiply(a, b) == 1 ? 1 : 0;
        for (std::uint32_t c = 0; c < q; c += 3)
          REQUIRE(f.multiply(a, f.add(b, c)) == f.add(f.multiply(a, b), f.multiply(a, c)));
      }
      REQUIRE(inverses == (a == 0 ? 0 : 1));
    }
  }
}

TEST_CASE("prime powers are told from other numbers") {
  for (int q : {2, 3, 4, 5, 16, 25, 27, 29, 243}) CHECK(topology::is_prime_power(q));
  for (int q : {0, 1, 6, 12, 15, 28, 100}) CHECK_FALSE(topology::is_prime_power(q));
}

namespace {

/// Builds with p endpoints per router and checks that every router has `degree` neighbours, all different.
void check_slim_fly(int q, int p, std::int64_t switches, std::int64_t degree, std::int64_t links, std::int64_t endpoints,
                    std::int64_t ports) {
  CAPTURE(q);
  const auto f = make_fabric(fmt::format(R"({{"kind": "slim_fly", "q": {}, "p": {}}})", q, p), endpoints, "endpoint");
  CHECK(f.count() == topology::Counts{endpoints, switches, links, 0, endpoints, ports});
  CHECK(f.switch_diameter() == 2);
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v) {
    if (f.vertices()[v].kind != topology::VertexKind::net_switch) continue;
    std::vector<VertexId> neighbours;
    for (LinkId l : f.out_links(VertexId(v)))
      if (f.vertex(f.link(l).to).kind == topology::VertexKind::net_switch) neighbours.push_back(f.link(l).to);
    std::sort(neighbours.begin(), neighbours.end());
    REQUIRE(std::ssize(neighbours) == degree);
    REQUIRE(std::adjacent_find(neighbours.begin(), neighbours.end()) == neighbours.end());
  }
}

}  // namespace

TEST_CASE("slim_fly q = 5 is the graph of Hoffman and Singleton, the NSDI'24 testbed (N1.08)") {
  check_slim_fly(5, 4, 50, 7, 175, 200, 11);
}

TEST_CASE("slim_fly over prime powers is regular with diameter two (N1.07a, N1.07b)") {
  check_slim_fly(16, 12, 512, 24, 6144, 6144, 36);
  check_slim_fly(25, 19, 1250, 37, 23125, 23750, 56);
  check_slim_fly(27, 21, 1458, 41, 29889, 30618, 62);
  check_slim_fly(29, 21, 1682, 43, 36163, 35322, 64);
}

TEST_CASE("slim_fly with small q of each residue has diameter two") {
  check_slim_fly(3, 1, 18, 5, 45, 18, 6);    // delta = -1
  check_slim_fly(4, 1, 32, 6, 96, 32, 7);    // delta = 0
  check_slim_fly(9, 1, 162, 13, 1053, 162, 14);  // delta = 1
}

TEST_CASE("slim_fly with q = 28 counts but cannot be built, as 28 is no prime power (N1.05, N1.06)") {
  const Reading r = read_text(R"({"kind": "slim_fly", "q": 28})", 32928 / 8);
  REQUIRE(r.topology != nullptr);
  CHECK(r.topology->count() == topology::Counts{32928, 1568, 32928, 0, 32928, 63});
  CHECK(r.topology->not_constructible().find("28 is no prime power") != std::string::npos);
  try {
    make_fabric(R"({"kind": "slim_fly", "q": 28})", 16);
    FAIL("must not be built");
  } catch (const UserError& e) {
    CHECK(e.problems()[0].place == "/cluster/topology/q");
    CHECK(e.problems()[0].hint.find("q = 27 or q = 29") != std::string::npos);
  }
}

TEST_CASE("slim_fly takes the smallest field that holds the cluster") {
  // q = 9 holds 162 * 7 = 1,134, q = 11 holds 242 * 9 = 2,178 of 2,048 endpoints.
  CHECK(counts(R"({"kind": "slim_fly"})", 256).switches == 242);
  CHECK(counts(R"({"kind": "slim_fly"})", 0).switches == 1682);
}
