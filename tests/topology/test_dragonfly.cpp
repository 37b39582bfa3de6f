#include <doctest/doctest.h>

#include <map>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;

namespace {

/// Global cables from group 0 to each other group.
std::map<std::uint32_t, int> reach_of_group(const topology::Fabric& f, std::uint32_t group) {
  std::map<std::uint32_t, int> cables;
  for (const auto& l : f.links()) {
    if (l.cable == topology::CableClass::long_haul && f.vertex(l.from).group == group) ++cables[f.vertex(l.to).group];
  }
  return cables;
}

}  // namespace

TEST_CASE("a small canonical dragonfly has 72 endpoints, 36 switches and 54 + 36 cables (N1.10b)") {
  const auto f = make_fabric(R"({"kind": "dragonfly", "p": 2, "a": 4, "h": 2, "g": 9})", 72, "endpoint");
  CHECK(f.count() == topology::Counts{72, 36, 90, 54, 72, 7});
  CHECK(f.minimal_within_groups());
  // g = a h + 1: exactly one cable to each of the 8 other groups, so minimal is local, global, local: 3 hops.
  for (const auto& [group, cables] : reach_of_group(f, 4)) CHECK(cables == 1);
  CHECK(reach_of_group(f, 4).size() == 8);
  CHECK(f.switch_diameter() == 3);
}

TEST_CASE("a dragonfly two groups short of the maximum doubles the cables to its neighbours, as Table 3's g = 511") {
  // p = h = 2, a = 4: 8 ports, g = 7: offsets +-1, +-2, +-3 once (6 ports) and one extra pair at +-1.
  const auto f = make_fabric(R"({"kind": "dragonfly", "p": 2, "a": 4, "h": 2, "g": 7})", 56, "endpoint");
  const auto reach = reach_of_group(f, 0);
  CHECK(reach == std::map<std::uint32_t, int>{{1, 2}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 2}});
  // 7 * 6 local and 7 * 8 / 2 global cables.
  CHECK(f.count().local_links == 42);
  CHECK(f.count().switch_links == 42 + 28);
}

TEST_CASE("a dragonfly uses every global port except where the number of ports is odd") {
  // a h = 9 ports per group, 3 groups: 4 to each of two others, one port stays free: 3 * 8 / 2 = 12 cables.
  CHECK(counts(R"({"kind": "dragonfly", "p": 3, "a": 3, "h": 3, "g": 3})", 9, 3).switch_links == 9 + 12);
  // With 4 groups: 3 to each of three others, none free: 4 * 9 / 2 = 18.
  CHECK(counts(R"({"kind": "dragonfly", "p": 3, "a": 3, "h": 3, "g": 4})", 12, 3).switch_links == 12 + 18);
}

TEST_CASE("every pair of groups of a dragonfly is joined, with numbers of cables that differ by one at most") {
  for (int g = 2; g <= 9; ++g) {
    CAPTURE(g);
    const auto f = make_fabric(fmt::format(R"({{"kind": "dragonfly", "p": 2, "a": 4, "h": 2, "g": {}}})", g), 8 * g, "endpoint");
    for (int group = 0; group < g; ++group) {
      const auto reach = reach_of_group(f, group);
      REQUIRE(std::ssize(reach) == g - 1);
      int least = 100, most = 0;
      for (const auto& [other, cables] : reach) least = std::min(least, cables), most = std::max(most, cables);
      // g = 8 has one odd port that only the middle offset can take; still one apart.
      CHECK(most - least <= 1);
    }
  }
}

TEST_CASE("a dragonfly for 256 H800 nodes takes four groups of radix 64") {
  const auto r = read_text(R"({"kind": "dragonfly"})", 256);
  REQUIRE(r.topology != nullptr);
  CHECK(dump_json(r.topology->resolved()) == R"({"kind":"dragonfly","radix":64,"p":16,"a":32,"h":16,"g":4})");
}
