// dualpipe: two directions, and forwards of one beside backwards of the other.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

namespace {

/// Cells of a rank: forwards alone, pairs, weights alone, full backwards alone.
std::array<std::uint32_t, 4> counts_of(const PipelineSchedule& s, std::uint32_t rank) {
  std::array<std::uint32_t, 4> n{};
  for (const Cell& c : s.cells[rank]) {
    if (c.kind == CellKind::forward) ++n[0];
    if (c.kind == CellKind::overlapped) ++n[1];
    if (c.kind == CellKind::weight) ++n[2];
    if (c.kind == CellKind::backward) ++n[3];
  }
  return n;
}

}  // namespace

TEST_CASE("DualPipe on four ranks with eight micro-batches is the published order of cells") {
  const PipelineSchedule s = schedule_of("dualpipe", 4, 8);
  CHECK(text_of(s, 0) == "F+0 F+1 F+2 F-0 Bi-0 W-0 F-1 FB[+3|-1] FB[-2|+0] B-2 FB[-3|+1] B-3 Bi+2 W+2 Bi+3 W+3");
  CHECK(text_of(s, 1) == "F+0 F-0 F+1 F-1 F+2 B-0 FB[-2|+0] FB[+3|-1] FB[-3|+1] B-2 B+2 Bi-3 Bi+3 W-3 W+3");
  CHECK(text_of(s, 2) == "F-0 F+0 F-1 F+1 F-2 B+0 FB[+2|-0] FB[-3|+1] FB[+3|-1] B+2 B-2 Bi+3 Bi-3 W+3 W-3");
  CHECK(text_of(s, 3) == "F-0 F-1 F-2 F+0 Bi+0 W+0 F+1 FB[-3|+1] FB[+2|-0] B+2 FB[+3|-1] B+3 Bi-2 W-2 Bi-3 W-3");
}

TEST_CASE("16 ranks with 120 micro-batches: cells of each kind by rank (C046)") {
  const PipelineSchedule s = schedule_of("dualpipe", 16, 120);
  for (std::uint32_t r = 0; r < 16; ++r) {
    const std::uint32_t h = std::min(r, 15 - r);
    CAPTURE(r);
    if (h < 7) CHECK(counts_of(s, r) == std::array<std::uint32_t, 4>{23 - h, 97 + h, 15 - h, 8});
    else CHECK(counts_of(s, r) == std::array<std::uint32_t, 4>{17, 103, 8, 9});
  }
}

TEST_CASE("either direction goes from its own end to the other") {
  const PipelineSchedule s = schedule_of("dualpipe", 4, 8);
  CHECK(s.rank_of[0] == std::vector<std::uint32_t>{0, 1, 2, 3});
  CHECK(s.rank_of[1] == std::vector<std::uint32_t>{3, 2, 1, 0});
  CHECK(s.model_copies() == 2);
}

TEST_CASE("the figure of DualPipe has 66 columns: 60 of work and 6 of bubble on each of 8 ranks (C037, C043, C056)") {
  const PlayedSchedule p = play(schedule_of("dualpipe", 8, 20), times(1, 1, 1));
  CHECK(p.makespan.value() == 66);
  CHECK(numbers(p.bubble) == std::vector<double>(8, 6));
}

TEST_CASE("every rank holds PP + 1 activations (C045)") {
  for (const std::uint32_t ranks : {2u, 4u, 8u, 16u}) {
    CHECK(play(schedule_of("dualpipe", ranks, 3 * ranks), times(1, 1, 1)).peak_activations == std::vector<std::uint32_t>(ranks, ranks + 1));
  }
}

TEST_CASE("the closed form is the bubble as played, for all times in its region (C044)") {
  // n (FB - 2w) + max(n b - F, n F) - (n - 1 - min(h, n - 1)) (F + b + w - FB); whole numbers, so that both are exact.
  CHECK(rc::check([] {
    const std::uint32_t ranks = 2 * *rc::gen::inRange<std::uint32_t>(2, 9), m = 2 * ranks + 2 * *rc::gen::inRange<std::uint32_t>(0, 30);
    const int w = *rc::gen::inRange(1, 100), f = w + *rc::gen::inRange(0, 100), b = f + *rc::gen::inRange(0, 100), fb = b + w + *rc::gen::inRange(0, f + 1);
    const PlayedSchedule p = play(schedule_of("dualpipe", ranks, m), times(f, b, w, fb));
    for (std::uint32_t r = 0; r < ranks; ++r) {
      const double n = ranks / 2 - 1.0, h = std::min(r, ranks - 1 - r);
      const double form = n * (fb - 2 * w) + std::max<double>(n * b - f, n * f) - (n - 1 - std::min(h, n - 1)) * (f + b + w - fb);
      RC_ASSERT(p.bubble[r].value() == form);
      RC_ASSERT(schedule_named("dualpipe", "").exact_bubble({ranks, m}, times(f, b, w, fb), r)->value() == form);
    }
  }));
}

TEST_CASE("the published bubble is that of the middle ranks less min(F, n (b - F)), so exact for b = F") {
  CHECK(rc::check([] {
    const std::uint32_t ranks = 2 * *rc::gen::inRange<std::uint32_t>(2, 9), n = ranks / 2 - 1;
    const int w = *rc::gen::inRange(1, 100), f = w + *rc::gen::inRange(0, 100), b = f + *rc::gen::inRange(0, 100), fb = b + w + *rc::gen::inRange(0, f + 1);
    const PlayedSchedule p = play(schedule_of("dualpipe", ranks, 2 * ranks), times(f, b, w, fb));
    const double published = n * (fb + (b + w) - 3.0 * w);
    RC_ASSERT(schedule_named("dualpipe", "").published_bubble({ranks, 2 * ranks}, times(f, b, w, fb)).value() == published);
    RC_ASSERT(p.bubble[n].value() == published - std::min<double>(f, n * (b - f)));
    for (const double idle : numbers(p.bubble)) RC_ASSERT(idle <= p.bubble[n].value());
  }));
}

TEST_CASE("outside its region the closed form says nothing") {
  const auto exact = schedule_named("dualpipe", "").exact_bubble;
  CHECK(!exact({8, 20}, times(2, 1, 1), 0));        // b < F
  CHECK(!exact({8, 20}, times(1, 2, 1, 2.5), 0));   // FB < b + w
  CHECK(!exact({8, 20}, times(1, 2, 1, 4.5), 0));   // FB > F + b + w
  CHECK(!exact({8, 20}, times(1, 2, 1.5), 0));      // w > F
  CHECK(exact({8, 20}, times(1, 2, 1), 0));
}

TEST_CASE("odd ranks, odd or few micro-batches are refused with the reason") {
  CHECK(refusal("dualpipe", 5, 20).find("pp: expected an even number of ranks, got 5") != std::string::npos);
  CHECK(refusal("dualpipe", 8, 21).find("micro_batches: expected an even number") != std::string::npos);
  CHECK(refusal("dualpipe", 8, 14).find("at least 2 PP = 16") != std::string::npos);
}
