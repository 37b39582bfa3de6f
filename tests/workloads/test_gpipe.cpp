// gpipe: all forwards, then all backwards, last one first.
#include <doctest/doctest.h>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

TEST_CASE("GPipe runs backwards in the opposite order of forwards (arXiv:1811.06965, Figure 2)") {
  const PipelineSchedule s = schedule_of("gpipe", 4, 4);
  for (std::uint32_t r = 0; r < 4; ++r) CHECK(text_of(s, r) == "F+0 F+1 F+2 F+3 B+3 B+2 B+1 B+0");
}

TEST_CASE("GPipe's bubble is K-1 of M+K-1 steps, whatever the times") {
  // F = 3, B = 7, K = 4 ranks, M = 8: (8 + 3) (3 + 7) in all, of which every rank idles 3 (3 + 7).
  const PlayedSchedule p = play(schedule_of("gpipe", 4, 8), times(3, 5, 2));
  CHECK(p.makespan.value() == 110);
  CHECK(numbers(p.bubble) == std::vector<double>(4, 30));
}

TEST_CASE("GPipe holds the activations of all micro-batches on every rank") {
  CHECK(play(schedule_of("gpipe", 4, 9), times(1, 1, 1)).peak_activations == std::vector<std::uint32_t>(4, 9));
}

TEST_CASE("one rank alone never idles") { CHECK(play(schedule_of("gpipe", 1, 5), times(1, 1, 1)).mean_bubble().value() == 0); }
