// interleaved_1f1b: several stages a rank.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

TEST_CASE("groups of PP micro-batches go through the stages of a rank in turn") {
  // Two ranks, stages 0 and 2 on rank 0, 1 and 3 on rank 1 (+ is a rank's first stage): 2 (PP-1-r) + PP forwards ahead.
  const PipelineSchedule s = schedule_of("interleaved_1f1b", 2, 4);
  CHECK(text_of(s, 0) == "F+0 F+1 F-0 F-1 F+2 B-0 F+3 B-1 F-2 B+0 F-3 B+1 B-2 B-3 B+2 B+3");
  CHECK(text_of(s, 1) == "F+0 F+1 F-0 B-0 F-1 B-1 F+2 B+0 F+3 B+1 F-2 B-2 F-3 B-3 B+2 B+3");
  CHECK(s.rank_of[0] == std::vector<std::uint32_t>{0, 1, 0, 1});
}

TEST_CASE("interleaving divides the bubble (PP-1)(F+B) by the stages of a rank (arXiv:2104.04473, section 2.2)") {
  // The rank's work F = 6, B = 12 is cut into v stages of F/v and B/v; the bubble must be 3 (6 + 12) / v.
  for (const std::uint32_t v : {2u, 3u, 6u}) {
    CAPTURE(v);
    const PlayedSchedule p = play(schedule_of("interleaved_1f1b", 4, 8, v), times(6.0 / v, 6.0 / v, 6.0 / v));
    CHECK(p.makespan.value() == doctest::Approx(8 * 18 + 54.0 / v).epsilon(1e-12));
    for (const double b : numbers(p.bubble)) CHECK(b == doctest::Approx(54.0 / v).epsilon(1e-12));
  }
}

TEST_CASE("the bubble is exact for any times, ranks, stages and groups of micro-batches") {
  CHECK(rc::check([] {
    const auto ranks = *rc::gen::inRange<std::uint32_t>(1, 9), groups = *rc::gen::inRange<std::uint32_t>(1, 5), chunks = *rc::gen::inRange<std::uint32_t>(2, 5);
    const int f = *rc::gen::inRange(1, 100), b = *rc::gen::inRange(1, 100), w = *rc::gen::inRange(1, 100);
    const PlayedSchedule p = play(schedule_of("interleaved_1f1b", ranks, ranks * groups, chunks), times(f, b, w));
    for (const double idle : numbers(p.bubble)) RC_ASSERT(idle == (ranks - 1.0) * (f + b + w));
  }));
}

TEST_CASE("the first rank holds 1 + (PP-1)/(PP v) times the activations of 1F1B (arXiv:2205.05198, section 4.2.3)") {
  // In stages: v PP + PP - 1. Four ranks, v = 2: 11; v = 3: 15. Each later rank warms up with two forwards less.
  CHECK(play(schedule_of("interleaved_1f1b", 4, 8, 2), times(1, 1, 1)).peak_activations == std::vector<std::uint32_t>{11, 9, 7, 5});
  CHECK(play(schedule_of("interleaved_1f1b", 4, 8, 3), times(1, 1, 1)).peak_activations == std::vector<std::uint32_t>{15, 13, 11, 9});
}

TEST_CASE("micro-batches that fill no group, and one stage a rank, are refused") {
  CHECK(refusal("interleaved_1f1b", 4, 10).find("micro_batches: expected a multiple of the 4 ranks, got 10") != std::string::npos);
  CHECK(refusal("interleaved_1f1b", 4, 8, 1).find("1f1b") != std::string::npos);
  CHECK(refusal("interleaved_1f1b", 4, 8, 4'000'000'000).find("chunks") != std::string::npos);
}
