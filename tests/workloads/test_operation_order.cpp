// Orders of operations that wait for each other.
#include <doctest/doctest.h>

#include "workloads/operation_order.h"

using namespace weft::workloads;

namespace {

WaitLists lists(const std::vector<std::vector<std::uint32_t>>& waits) {
  WaitLists w;
  for (const auto& list : waits) {
    for (const std::uint32_t before : list) w.add(before);
    w.next();
  }
  return w;
}

using Order = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("operations keep their order as far as what they wait for allows") {
  CHECK(operation_order(lists({{}, {}, {}})).order == Order{0, 1, 2});
  CHECK(operation_order(lists({{2}, {}, {}})).order == Order{1, 2, 0});
  CHECK(operation_order(lists({{1}, {2}, {}})).order == Order{2, 1, 0});
  CHECK(operation_order(lists({})).order.empty());
}

TEST_CASE("one that is glued to the next has it right behind, whatever else is ready") {
  // Operation 1 waits for 2, and would come before 3, which waits for 2 alone.
  const WaitLists w = lists({{}, {2}, {}, {2}});
  CHECK(operation_order(w).order == Order{0, 2, 1, 3});
  CHECK(operation_order(w, {false, false, true, false}).order == Order{0, 2, 3, 1});
}

TEST_CASE("a loop is named, each behind the one that waits for it, and what only leads to it is left out") {
  const OperationOrder o = operation_order(lists({{1}, {2}, {3}, {1}}));
  CHECK(o.order.empty());
  CHECK(o.loop == Order{1, 2, 3});
  CHECK(operation_order(lists({{0}})).loop == Order{0});
}
