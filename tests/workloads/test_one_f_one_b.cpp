// one_f_one_b, which users call 1f1b.
#include <doctest/doctest.h>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

TEST_CASE("1F1B on four ranks alternates once the pipeline is full") {
  const PipelineSchedule s = schedule_of("1f1b", 4, 8);
  CHECK(text_of(s, 0) == "F+0 F+1 F+2 F+3 B+0 F+4 B+1 F+5 B+2 F+6 B+3 F+7 B+4 B+5 B+6 B+7");
  CHECK(text_of(s, 1) == "F+0 F+1 F+2 B+0 F+3 B+1 F+4 B+2 F+5 B+3 F+6 B+4 F+7 B+5 B+6 B+7");
  CHECK(text_of(s, 3) == "F+0 B+0 F+1 B+1 F+2 B+2 F+3 B+3 F+4 B+4 F+5 B+5 F+6 B+6 F+7 B+7");
}

TEST_CASE("1F1B idles (PP-1)(F+B) on every rank: the whole pipeline runs once empty, once out (arXiv:2412.19437, Table 2)") {
  const PlayedSchedule p = play(schedule_of("1f1b", 8, 20), times(1, 1.5, 0.7));
  for (const double b : numbers(p.bubble)) CHECK(b == doctest::Approx(7 * 3.2).epsilon(1e-12));
}

TEST_CASE("1F1B holds PP - r activations on rank r, never more than there are micro-batches") {
  CHECK(play(schedule_of("1f1b", 4, 8), times(1, 1, 1)).peak_activations == std::vector<std::uint32_t>{4, 3, 2, 1});
  CHECK(play(schedule_of("1f1b", 4, 2), times(1, 1, 1)).peak_activations == std::vector<std::uint32_t>{2, 2, 2, 1});
}
