// zbv: two stages a rank, laid out as a V.
#include <doctest/doctest.h>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

TEST_CASE("two ranks: down the V, back up, and weights at once until the end") {
  // + is the stage on the way down, - the one on the way back.
  const PipelineSchedule s = schedule_of("zbv", 2, 4);
  CHECK(s.rank_of[0] == std::vector<std::uint32_t>{0, 1, 1, 0});
  CHECK(text_of(s, 0) == "F+0 F+1 F+2 F-0 Bi-0 W-0 F-1 Bi-1 W-1 F+3 Bi+0 W+0 F-2 Bi-2 W-2 Bi+1 W+1 F-3 Bi-3 W-3 Bi+2 W+2 Bi+3 W+3");
  CHECK(text_of(s, 1) == "F+0 F-0 F+1 F-1 Bi-0 W-0 F+2 Bi+0 W+0 F-2 Bi-1 W-1 F+3 Bi+1 W+1 F-3 Bi-2 W-2 Bi+2 Bi-3 Bi+3 W+2 W-3 W+3");
}

TEST_CASE("with F = b = w no rank waits between its first and its last cell (arXiv:2405.15362)") {
  for (std::uint32_t ranks = 1; ranks <= 12; ++ranks) {
    for (std::uint32_t m = 2 * ranks - 1; m < 2 * ranks + 9; ++m) {
      CAPTURE(ranks);
      CAPTURE(m);
      const PlayedSchedule p = play(schedule_of("zbv", ranks, m), times(1, 1, 1));
      CHECK(numbers(p.inner_bubble) == std::vector<double>(ranks, 0));
      // Two stages of three cells each for all micro-batches, and rank r begins r forwards late.
      CHECK(p.makespan.value() == 6.0 * m + ranks - 1);
      CHECK(numbers(p.bubble) == std::vector<double>(ranks, ranks - 1.0));
    }
  }
}

TEST_CASE("ZB-V holds the activations of PP whole stages on every rank, as the first rank of 1F1B") {
  for (const std::uint32_t ranks : {2u, 4u, 8u, 16u}) {
    const PlayedSchedule p = play(schedule_of("zbv", ranks, 3 * ranks), times(1, 1, 1));
    CHECK(p.peak_activations == std::vector<std::uint32_t>(ranks, 2 * ranks));
    CHECK(p.peak_until_weights == std::vector<std::uint32_t>(ranks, 2 * ranks));
  }
}

TEST_CASE("unequal times bring a bubble back, and fewer micro-batches leave cells out") {
  CHECK(play(schedule_of("zbv", 4, 12), times(1, 2, 0.5)).inner_bubble[0].value() > 0);
  CHECK(play(schedule_of("zbv", 4, 3), times(1, 1, 1)).inner_bubble[0].value() > 0);
  CHECK(schedule_of("zbv", 4, 3).cells[0].size() == 3 * 2 * 3);
}
