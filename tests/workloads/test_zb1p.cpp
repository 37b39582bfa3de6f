// zb1p (ZB-H1): gradients of the weights fill the bubble of 1F1B.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

TEST_CASE("weights of rank r wait for r backwards of the inputs") {
  const PipelineSchedule s = schedule_of("zb1p", 4, 8);
  CHECK(text_of(s, 0) == "F+0 F+1 F+2 F+3 Bi+0 W+0 F+4 Bi+1 W+1 F+5 Bi+2 W+2 F+6 Bi+3 W+3 F+7 Bi+4 W+4 Bi+5 W+5 Bi+6 W+6 Bi+7 W+7");
  CHECK(text_of(s, 3) == "F+0 Bi+0 F+1 Bi+1 F+2 Bi+2 F+3 Bi+3 W+0 F+4 Bi+4 W+1 F+5 Bi+5 W+2 F+6 Bi+6 W+3 F+7 Bi+7 W+4 W+5 W+6 W+7");
}

TEST_CASE("ZB1P idles (PP-1)(F+B-2W) where weights take no longer than a forward or a backward (arXiv:2412.19437, Table 2)") {
  CHECK(rc::check([] {
    const auto ranks = *rc::gen::inRange<std::uint32_t>(1, 12), extra = *rc::gen::inRange<std::uint32_t>(0, 20);
    const int w = *rc::gen::inRange(1, 50), f = w + *rc::gen::inRange(0, 50), b = w + *rc::gen::inRange(0, 50);
    const PlayedSchedule p = play(schedule_of("zb1p", ranks, ranks + extra), times(f, b, w));
    for (const double idle : numbers(p.bubble)) RC_ASSERT(idle == (ranks - 1.0) * (f + (b + w) - 2 * w));
  }));
}

TEST_CASE("every rank holds PP activations until their weights are done, PP - r until their inputs are") {
  const PlayedSchedule p = play(schedule_of("zb1p", 4, 8), times(1, 1, 1));
  CHECK(p.peak_until_weights == std::vector<std::uint32_t>(4, 4));
  CHECK(p.peak_activations == std::vector<std::uint32_t>{4, 3, 2, 1});
}

TEST_CASE("outside its region the closed form says nothing") {
  const auto exact = schedule_named("zb1p", "").exact_bubble;
  CHECK(!exact({4, 8}, times(1, 2, 3), 0));
  CHECK(!exact({4, 3}, times(1, 1, 1), 0));
  CHECK(exact({4, 8}, times(1, 1, 1), 0));
}
