// dualpipev: DualPipe cut in half.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

TEST_CASE("each rank of DualPipeV runs the cells of a rank of the DualPipe twice as long, with legs for directions") {
  const PipelineSchedule v = schedule_of("dualpipev", 4, 10), whole = schedule_of("dualpipe", 8, 20);
  for (std::uint32_t r = 0; r < 4; ++r) CHECK(text_of(v, r) == text_of(whole, r));
  CHECK(v.stages == 8);
  CHECK(v.rank_of[0] == std::vector<std::uint32_t>{0, 1, 2, 3, 3, 2, 1, 0});
  CHECK(v.model_copies() == 1);
}

TEST_CASE("the figure of DualPipeV has 66 columns as well (C055)") {
  const PlayedSchedule p = play(schedule_of("dualpipev", 4, 10), times(1, 1, 1));
  CHECK(p.makespan.value() == 66);
  CHECK(numbers(p.bubble) == std::vector<double>(4, 6));
  CHECK(p.peak_activations == std::vector<std::uint32_t>(4, 9));
}

TEST_CASE("its bubble is the closed form of a DualPipe of twice the ranks") {
  CHECK(rc::check([] {
    const auto ranks = *rc::gen::inRange<std::uint32_t>(2, 9), m = 2 * ranks + *rc::gen::inRange<std::uint32_t>(0, 20);
    const int w = *rc::gen::inRange(1, 100), f = w + *rc::gen::inRange(0, 100), b = f + *rc::gen::inRange(0, 100), fb = b + w + *rc::gen::inRange(0, f + 1);
    const PlayedSchedule p = play(schedule_of("dualpipev", ranks, m), times(f, b, w, fb));
    for (std::uint32_t r = 0; r < ranks; ++r) {
      const double n = ranks - 1.0;
      RC_ASSERT(p.bubble[r].value() == n * (fb - 2 * w) + std::max<double>(n * b - f, n * f) - (n - 1 - std::min<double>(r, n - 1)) * (f + b + w - fb));
      RC_ASSERT(schedule_named("dualpipev", "").exact_bubble({ranks, m}, times(f, b, w, fb), r)->value() == p.bubble[r].value());
    }
  }));
}

TEST_CASE("fewer micro-batches than two a rank are refused") {
  CHECK(refusal("dualpipev", 4, 7).find("micro_batches: expected at least 2 PP = 8 micro-batches, got 7") != std::string::npos);
  CHECK(refusal("dualpipev", 3, 7).empty());   // odd ranks, odd micro-batches are fine
}
