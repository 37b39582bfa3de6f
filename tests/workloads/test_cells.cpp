// Cells: how nodes come, and how many a load takes.
#include <doctest/doctest.h>

#include "workloads/inference/day/cells.h"

using namespace weft;
using namespace weft::workloads::inference;
using doctest::Approx;

namespace {

/// DeepSeek's: N = 8 + 30 k.
Cell cell() { return {{4, {}, ""}, {18, {}, ""}, {3, {}, ""}, {1, {}, ""}, {2, {}, ""}}; }

}  // namespace

TEST_CASE("the published node counts are whole cells: 68 to 278 are 2 to 9") {
  for (int k = 2; k <= 9; ++k) {
    CHECK(cell().nodes(k) == 8 + 30 * k);
    CHECK(*cell().cells_of(8 + 30 * k) == k);
    CHECK(cell().prefill_nodes(k) == 12 * k + 8);
    CHECK(cell().decode_nodes(k) == 18 * k);
  }
  CHECK_FALSE(cell().cells_of(8));     // no decode unit
  CHECK_FALSE(cell().cells_of(100));
  CHECK_FALSE(cell().cells_of(0));
  CHECK(cell().levels_near(100) == "8 + 30 k nodes, k = 1, 2, ...: 98 or 128");
  CHECK(cell().levels_near(0) == "8 + 30 k nodes, k = 1, 2, ...: 38 or 68");
}

TEST_CASE("a load takes the fewest cells with which both stages keep up") {
  FollowRule rule;
  rule.headroom = 0;
  // 3 cells: 44 prefill nodes and 54 decode nodes; each does 10 a second.
  CHECK(cells_needed(cell(), {440, 540}, {10, 10}, rule) == 3);
  CHECK(cells_needed(cell(), {441, 540}, {10, 10}, rule) == 4);   // prefill asks for more
  CHECK(cells_needed(cell(), {440, 541}, {10, 10}, rule) == 4);   // decode does
  CHECK(cells_needed(cell(), {0, 0}, {10, 10}, rule) == 1);
  rule.least = 2;
  CHECK(cells_needed(cell(), {0, 0}, {10, 10}, rule) == 2);
  // A fifth kept free: 432 of 540 is what three cells may do.
  rule.headroom = 0.2;
  CHECK(cells_needed(cell(), {0, 432}, {10, 10}, rule) == 3);
  CHECK(cells_needed(cell(), {0, 433}, {10, 10}, rule) == 4);
}

TEST_CASE("cells follow a load at once, late, or stay a while") {
  // Eight hours of one cell's load, eight of three cells', eight of one's.
  const StepCurve load = equal_steps({1, 3, 1});
  const TokenRates of_one = {0, 180}, capacity = {10, 10};
  FollowRule rule;
  rule.headroom = 0;
  StepCurve cells = follow_load(cell(), load, of_one, capacity, rule);
  CHECK(cells.levels.size() == 96);
  CHECK(cells.at(7.99) == 1);
  CHECK(cells.at(8) == 3);
  CHECK(cells.at(15.99) == 3);
  CHECK(cells.at(16) == 1);
  rule.reaction_h = 0.5;
  cells = follow_load(cell(), load, of_one, capacity, rule);
  CHECK(cells.at(8.25) == 1);
  CHECK(cells.at(8.5) == 3);
  CHECK(cells.at(16.25) == 3);
  CHECK(cells.at(16.5) == 1);
  rule.hold_h = 1;
  cells = follow_load(cell(), load, of_one, capacity, rule);
  CHECK(cells.at(8.25) == 1);
  CHECK(cells.at(8.5) == 3);
  CHECK(cells.at(17.25) == 3);   // 16:00 + 0.5 + 1
  CHECK(cells.at(17.5) == 1);
  rule.most = 2;
  CHECK(follow_load(cell(), load, of_one, capacity, rule).highest() == 2);
}

TEST_CASE("a load late at night is met by cells of the next morning where they come late: the day repeats") {
  StepCurve load = equal_steps(std::vector<double>(24, 1.0));
  load.levels[23] = 3;
  FollowRule rule;
  rule.headroom = 0;
  rule.reaction_h = 2;
  const StepCurve cells = follow_load(cell(), load, {0, 180}, {10, 10}, rule);
  CHECK(cells.at(23) == 1);
  CHECK(cells.at(1) == 3);
  CHECK(cells.at(2) == 1);
}
