// Playing a schedule by hand-made cells: hops, durations of a rank's own, deadlocks, and what the inspection finds.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

namespace {

/// Whether one of the problems holds the words.
bool told(const std::vector<std::string>& problems, const std::string& words) {
  return std::any_of(problems.begin(), problems.end(), [&](const std::string& p) { return p.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("one micro-batch on two ranks takes two forwards, two backwards and a hop each way") {
  // F 2 on rank 0, hop 0.25, F 2 on rank 1, B 4 on rank 1, hop 0.25, B 4 on rank 0.
  const PlayedSchedule p = play(schedule_of("1f1b", 2, 1), times(2, 3, 1), Seconds(0.25));
  CHECK(p.cells[1][0].start.value() == 2.25);
  CHECK(p.cells[0][1].start.value() == 8.5);
  CHECK(p.makespan.value() == 12.5);
  CHECK(p.bubble[1].value() == 6.5);
  CHECK(p.inner_bubble[1].value() == 0);
}

TEST_CASE("stages on one rank need no hop: the turn of a V is free") {
  // Stages 0..3 on ranks 0, 1, 1, 0: two hops forward, two back; 4 forwards, 4 backwards, and the last weights.
  const PlayedSchedule p = play(schedule_of("zbv", 2, 1), times(1, 1, 1), Seconds(10));
  CHECK(p.cells[1][1].start.value() == p.cells[1][0].finish.value());
  CHECK(p.cells[0][1].start.value() == 1 + 10 + 2 + 10);
}

TEST_CASE("a stage of its own pace sets the pace of all") {
  // The last rank takes F = B = 5, the others 1: M (5 + 5) there, after PP-1 forwards and before PP-1 backwards.
  const PlayedSchedule p = play(schedule_of("1f1b", 4, 8), [](const Cell&, std::uint32_t rank) { return Seconds(rank == 3 ? 5 : 1); });
  CHECK(p.makespan.value() == 3 + 80 + 3);
  CHECK(p.bubble[3].value() == 6);
}

TEST_CASE("ranks that wait for one another are told, not played for ever") {
  PipelineSchedule s = schedule_of("1f1b", 2, 2);
  std::swap(s.cells[0][1], s.cells[0][2]);   // fine: the backward comes a little earlier
  CHECK(problems_of(s).empty());
  s = schedule_of("1f1b", 2, 2);
  std::swap(s.cells[1][0], s.cells[1][2]);   // rank 1 wants micro-batch 1 first, and its backward ...
  std::swap(s.cells[0][1], s.cells[0][2]);   // ... of which rank 0 sends only after the backward of 0
  CHECK_THROWS_WITH_AS(play(s, times(1, 1, 1)), doctest::Contains("cannot be played: rank 0 waits at cell 1 (B+0) for the backward"), RunError);
}

TEST_CASE("what is missing, twice, misplaced or out of order is found") {
  const PipelineSchedule good = schedule_of("zb1p", 3, 4);
  CHECK(problems_of(good, true).empty());
  PipelineSchedule s = good;
  s.cells[1].pop_back();
  CHECK(told(problems_of(s), "micro-batch 3 of direction 0 has at stage 1 1 forwards, 1 backwards of the inputs and 0 of the weights"));
  s = good;
  s.cells[2].push_back(s.cells[2].front());
  CHECK(told(problems_of(s), "2 forwards"));
  s = good;
  std::swap(s.cells[0].front(), s.cells[0][4]);
  CHECK(told(problems_of(s), "comes before its forward"));
  s = good;
  std::swap(s.cells[0][0], s.cells[0][1]);
  CHECK(problems_of(s).empty());
  CHECK(told(problems_of(s, true), "F+1 comes before micro-batch 0"));
  s = good;
  s.cells[0][0].forward.stage = 1;
  CHECK(told(problems_of(s), "F+0 is at a stage of rank 1"));
  s = good;
  s.cells[0][0].forward.micro_batch = 4;
  CHECK(told(problems_of(s), "is beyond the schedule"));
  s = good;
  s.rank_of[0].pop_back();
  CHECK(told(problems_of(s), "3 stages, but ranks of 2"));
}

TEST_CASE("times that are not given are sums of those that are") {
  CHECK(times(1, 2, 3).of(CellKind::backward).value() == 5);
  CHECK(times(1, 2, 3).of(CellKind::overlapped).value() == 6);
  CellTimes t = times(1, 2, 3, 5);
  t.backward = Seconds(4);
  CHECK(t.of(CellKind::backward).value() == 4);
  CHECK(t.of(CellKind::overlapped).value() == 5);
}
