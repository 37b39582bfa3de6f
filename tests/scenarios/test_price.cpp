// price: Table 3 of arXiv:2505.09343 through a scenario.
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

TEST_CASE("price counts a two-layer fat tree of 64 ports by formula and prices it") {
  // N = k^2/2 = 2,048; switches 3k/2 = 96; links k^2/2. Cost: 96 x 58,000 + 2,048 x 1,289 + 2,048 x 383 = 8.992 M$.
  const auto r = test::run(test::minimal(R"("topology": {"kind": "ft2"}, "prices": "table3-calibrated")", R"({"kind": "price"})"));
  CHECK(cell_of(r, "t/price/endpoints") == 2048);
  CHECK(cell_of(r, "t/price/switches") == 96);
  CHECK(cell_of(r, "t/price/switch_links") == 2048);
  CHECK(cell_of(r, "t/price/cables") == 4096);
  CHECK(cell_of(r, "t/price/price_MUSD") == doctest::Approx(8.992).epsilon(1e-4));
  REQUIRE(r.notes.size() == 1);
  CHECK(r.notes[0].find("calibrated") != std::string::npos);
}

TEST_CASE("price takes a user's own list") {
  const std::string list = R"({"title": "mine", "caveat": "mine", "switch": "10000 USD", "endpoint_cable": "100 USD", "long_haul_cable": "200 USD", "local_cable": "150 USD"})";
  const auto r = test::run(test::minimal(R"("topology": {"kind": "ft2"}, "prices": )" + list, R"({"kind": "price"})"));
  CHECK(cell_of(r, "t/price/price_MUSD") == doctest::Approx((96 * 10000 + 2048 * 100 + 2048 * 200) / 1e6));
}

TEST_CASE("price works for a network that exists only as a formula, building it does not") {
  const std::string slim_fly = R"("topology": {"kind": "slim_fly", "q": 28})";
  CHECK(cell_of(test::run(test::minimal(slim_fly, R"({"kind": "price"})")), "t/price/switches") == 1568);
  const std::string told = test::error_of(test::minimal(slim_fly, R"({"kind": "ping"})"));
  CHECK(told.find("/cluster/topology") != std::string::npos);
  CHECK(told.find("prime power") != std::string::npos);
}

TEST_CASE("the storage network is counted and priced apart from the scale-out network, in a note") {
  const std::string ft2 = R"("nodes": 8, "topology": {"kind": "ft2"})";
  const auto without = test::run(test::minimal(ft2, R"({"kind": "price"})"));
  const auto with = test::run(test::minimal(ft2 + R"(, "storage": {"nodes": 60})", R"({"kind": "price"})"));
  CHECK(with.tables.at(0).rows.at(0).cells() == without.tables.at(0).rows.at(0).cells());
  REQUIRE(with.notes.size() == without.notes.size() + 1);
  // 8 + 2 x 60 NICs on 4 leaves of 32 ports down and up, 4 x 32 / 64 = 2 spines: 128 + 128 cables; 6 x 58,000 + 128 x 383 + 128 x 1,289 USD.
  CHECK(with.notes.back().find("ft2 with 6 switches and 256 cables, 0.562") != std::string::npos);
}
