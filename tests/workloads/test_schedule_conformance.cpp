// One suite for every registered schedule: complete, in order, without deadlock, within its published memory, with its closed form.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

namespace {

/// Sizes on which each kind is looked at; those that a kind refuses are none of its own.
std::vector<ScheduleParameters> sizes() {
  std::vector<ScheduleParameters> out;
  for (const std::uint32_t ranks : {1u, 2u, 3u, 4u, 8u, 16u}) {
    for (const std::uint32_t m : {1u, 2u, 5u, 8u, 16u, 20u, 48u}) {
      for (const std::uint32_t chunks : {2u, 4u}) out.push_back({ranks, m, chunks});
    }
  }
  return out;
}

/// Calls f(kind, parameters, schedule) for every kind and all sizes that it takes.
template <class F>
void for_each_schedule(F f) {
  for (const ScheduleKind& k : schedule_kinds()) {
    std::size_t taken = 0;
    for (const ScheduleParameters& p : sizes()) {
      if (!k.takes_chunks && p.chunks > 2) continue;
      if (!refusal(k.name, p.ranks, p.micro_batches, p.chunks).empty()) continue;
      CAPTURE(k.name);
      CAPTURE(p.ranks);
      CAPTURE(p.micro_batches);
      CAPTURE(p.chunks);
      f(k, p, k.make(p));
      ++taken;
    }
    CHECK_MESSAGE(taken >= 5, k.name);
  }
}

}  // namespace

TEST_CASE("every micro-batch has at every stage one forward, one backward and one weight pass, in order, without deadlock") {
  for_each_schedule([](const ScheduleKind& k, const ScheduleParameters& p, const PipelineSchedule& s) {
    const auto problems = problems_of(s, k.fifo);
    CHECK_MESSAGE(problems.empty(), (problems.empty() ? "" : problems.front()));
    CHECK(s.name == k.name);
    CHECK(s.ranks == p.ranks);
    CHECK(s.micro_batches == p.micro_batches);
    CHECK(s.stages * s.directions % s.ranks == 0);
  });
}

TEST_CASE("a schedule is the same each time that it is made") {
  for_each_schedule([](const ScheduleKind& k, const ScheduleParameters& p, const PipelineSchedule& s) { CHECK(s.cells == k.make(p).cells); });
}

TEST_CASE("the fullest rank holds as many activations as published, once there are enough micro-batches") {
  for_each_schedule([](const ScheduleKind& k, const ScheduleParameters& p, const PipelineSchedule& s) {
    const PlayedSchedule played = play(s, times(1, 1, 1));
    const std::uint32_t most = *std::max_element(played.peak_activations.begin(), played.peak_activations.end());
    CHECK(most <= k.published_activations(p));
    if (p.micro_batches >= 2 * p.ranks) CHECK(most == k.published_activations(p));
  });
}

TEST_CASE("work and bubble add up to the makespan, and the closed form is the bubble where it holds") {
  for_each_schedule([](const ScheduleKind& k, const ScheduleParameters& p, const PipelineSchedule& s) {
    for (const CellTimes& t : {times(1, 1, 1), times(4, 6, 3), times(5, 7, 2, 11), times(2, 1, 3)}) {
      const PlayedSchedule played = play(s, t);
      for (std::uint32_t r = 0; r < s.ranks; ++r) {
        Seconds busy;
        for (const Cell& c : s.cells[r]) busy += t.of(c.kind);
        CHECK((busy + played.bubble[r]).value() == played.makespan.value());
        CHECK(played.bubble[r].value() >= played.inner_bubble[r].value());
        if (const auto exact = k.exact_bubble(p, t, r)) CHECK(exact->value() == played.bubble[r].value());
      }
    }
  });
}

TEST_CASE("published formulas hold with F = b = w and enough micro-batches") {
  for_each_schedule([](const ScheduleKind& k, const ScheduleParameters& p, const PipelineSchedule& s) {
    if (p.micro_batches < 2 * p.ranks) return;
    const PlayedSchedule played = play(s, times(1, 1, 1));
    for (std::uint32_t r = 0; r < s.ranks; ++r) {
      // ZB-V's zero is that between a rank's first and last cell; all others count the whole makespan.
      const double idle = k.name == "zbv" ? played.inner_bubble[r].value() : played.bubble[r].value();
      CHECK(idle == k.published_bubble(p, times(1, 1, 1)).value());
    }
  });
}

TEST_CASE("a slower cell anywhere never makes anything earlier") {
  CHECK(rc::check([] {
    const auto& kinds = schedule_kinds();
    const ScheduleKind& k = kinds[*rc::gen::inRange<std::size_t>(0, kinds.size())];
    const PipelineSchedule s = k.make({4, 8, 2});
    const auto rank = *rc::gen::inRange<std::uint32_t>(0, 4);
    const auto slow = *rc::gen::inRange<std::size_t>(0, s.cells[rank].size());
    const PlayedSchedule before = play(s, times(3, 4, 2, 8));
    const PlayedSchedule after = play(s, [&](const Cell& c, std::uint32_t r) {
      return times(3, 4, 2, 8).of(c.kind) + Seconds(r == rank && c == s.cells[rank][slow] ? 5 : 0);
    });
    for (std::uint32_t r = 0; r < 4; ++r) {
      for (std::size_t i = 0; i < s.cells[r].size(); ++i) RC_ASSERT(after.cells[r][i].start >= before.cells[r][i].start);
    }
    RC_ASSERT(after.makespan >= before.makespan);
  }));
}

TEST_CASE("sizes that are none are refused") {
  for (const ScheduleKind& k : schedule_kinds()) {
    CAPTURE(k.name);
    CHECK(refusal(k.name, 0, 8).find("pp") != std::string::npos);
    CHECK(refusal(k.name, 4, 0).find("micro_batches") != std::string::npos);
    CHECK(refusal(k.name, 4'000'000'000, 4'000'000'000).find("cells") != std::string::npos);
  }
  CHECK_THROWS_WITH_AS(schedule_named("dualpip", "NAME"), doctest::Contains("did you mean \"dualpipe\""), UserError);
}
