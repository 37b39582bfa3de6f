// How the bytes of lost and of slower rails are spread.
#include <doctest/doctest.h>

#include "tests/support/recorded_program.h"
#include "workloads/rails.h"

using namespace weft;
using namespace weft::workloads;

namespace {

/// What each rail carries from node 0 to node 1 when each is due 1.
std::vector<double> carried(const Rails& rails) {
  std::vector<double> load(8, 0.0);
  for (std::uint32_t via = 0; via < 8; ++via)
    for (const Rails::Share& due : rails.carried(0, 1, via)) load[via] += due.share;
  return load;
}

}  // namespace

TEST_CASE("with all NICs alive every rail carries its own") {
  const Rails rails(testing::view_of(2), 2, 8, {});
  for (std::uint32_t k = 0; k < 8; ++k) {
    REQUIRE(rails.carriers(0, 1, k).size() == 1);
    CHECK(rails.carriers(0, 1, k)[0].rail == k);
    CHECK(rails.carriers(0, 1, k)[0].share == 1);
  }
}

TEST_CASE("a lost NIC's bytes go over the seven others (8/7 each) or over one neighbour (2)") {
  const auto view = testing::view_of(3, {{NodeId(1), 7}});
  const auto spread = carried(Rails(view, 3, 8, {OnLostNic::rebalance, {}}));
  for (int k = 0; k < 7; ++k) CHECK(spread[k] == doctest::Approx(8.0 / 7));
  CHECK(spread[7] == 0);
  const auto doubled = carried(Rails(view, 3, 8, {OnLostNic::neighbour, {}}));
  CHECK(doubled == std::vector<double>{2, 1, 1, 1, 1, 1, 1, 0});
}

TEST_CASE("between two nodes whose NICs are alive a loss elsewhere changes nothing") {
  const Rails rails(testing::view_of(3, {{NodeId(2), 0}}), 3, 8, {OnLostNic::rebalance, {}});
  CHECK(carried(rails) == std::vector<double>(8, 1.0));
  CHECK(rails.carriers(0, 2, 0).size() == 7);
}

// Plane 0 with 24 of 32 uplinks bears 8 * 0.75 / 7.75 of a rail's bytes, the others 8 / 7.75 = 1.0323.
TEST_CASE("weights spread bytes in proportion to what the rails can carry") {
  const auto load = carried(Rails(testing::view_of(2), 2, 8, {OnLostNic::error, {0.75, 1, 1, 1, 1, 1, 1, 1}}));
  CHECK(load[0] == doctest::Approx(6 / 7.75));
  for (int k = 1; k < 8; ++k) CHECK(load[k] == doctest::Approx(8 / 7.75));
}

TEST_CASE("what is due is carried, whole, whatever is lost") {
  for (const OnLostNic policy : {OnLostNic::neighbour, OnLostNic::rebalance}) {
    const Rails rails(testing::view_of(2, {{NodeId(0), 2}, {NodeId(1), 3}, {NodeId(1), 7}}), 2, 8, {policy, {}});
    for (std::uint32_t due = 0; due < 8; ++due) {
      double sum = 0;
      for (const Rails::Share& way : rails.carriers(0, 1, due)) {
        sum += way.share;
        CHECK((way.rail != 2 && way.rail != 3 && way.rail != 7));
      }
      CHECK(sum == doctest::Approx(1));
    }
  }
}

TEST_CASE("a lost NIC is an error that names it unless told what to do") {
  CHECK_THROWS_WITH_AS(Rails(testing::view_of(2, {{NodeId(1), 3}}), 2, 8, {}), doctest::Contains("NIC 3 of node 0"),
                       UserError);
  CHECK_THROWS_WITH_AS(Rails(testing::view_of(2), 2, 8, {OnLostNic::error, {1, 1}}),
                       doctest::Contains("2 weights for 8 rails"), UserError);
}
