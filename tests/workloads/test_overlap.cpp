// The order in which micro-batches share a layer, in max-plus arithmetic, against closed forms.
#include <doctest/doctest.h>

#include <algorithm>

#include "sim/core/random.h"
#include "workloads/inference/overlap.h"

using namespace weft;
using namespace weft::workloads::inference;

namespace {

/// Times in microseconds drawn from 0 to `most`, all pieces.
PieceTimes drawn(std::uint64_t seed, double most) {
  Draws draws(seed, "overlap");
  PieceTimes t;
  for (Seconds& s : t.of) s = Seconds(draws.unit() * most);
  return t;
}

void clear_ends(PieceTimes& t) {
  for (const Piece p : {Piece::dispatch_send, Piece::dispatch_receive, Piece::combine_send, Piece::combine_receive}) t[p] = Seconds();
}

}  // namespace

TEST_CASE("prefill with exchanges that are short takes twice attention, shared and routed experts") {
  // profile-data assets/prefill.jpg: every exchange lies beside computing of the other micro-batch.
  PieceTimes t;
  t[Piece::attention] = Seconds(8), t[Piece::shared] = Seconds(1), t[Piece::experts] = Seconds(8);
  t[Piece::dispatch] = Seconds(3), t[Piece::combine] = Seconds(6);
  const OverlapPlan plan = plan_of(Stage::prefill, Overlap::two_micro_batches, true, false);
  CHECK(period_of(plan, t).value() == doctest::Approx(2 * (8 + 1 + 8)));
  CHECK(computing_of(plan, t).value() == doctest::Approx(34));
}

TEST_CASE("prefill that is bound by exchanges takes their sum") {
  PieceTimes t;
  t[Piece::attention] = Seconds(1), t[Piece::shared] = Seconds(0.1), t[Piece::experts] = Seconds(1);
  t[Piece::dispatch] = Seconds(30), t[Piece::combine] = Seconds(60);
  // COMBINE0 DISPATCH1 DISPATCH0 COMBINE1 on one stream: nothing can be faster, and computing can hide only partly, since each exchange waits for the one of its
  // own micro-batch before it. Between COMBINE0's end and DISPATCH0's start lies ATTN0 beside DISPATCH1, and so on: all four are busy in turn.
  CHECK(period_of(plan_of(Stage::prefill, Overlap::two_micro_batches, true, false), t).value() == doctest::Approx(2 * (30 + 60)).epsilon(0.02));
}

TEST_CASE("without overlap a layer is the sum of its pieces") {
  PieceTimes t = drawn(1, 1);
  t[Piece::tensor_sum] = Seconds();
  const double prefill = (t[Piece::attention] + t[Piece::shared] + t[Piece::experts] + t[Piece::dispatch] + t[Piece::combine]).value();
  CHECK(period_of(plan_of(Stage::prefill, Overlap::none, true, false), t).value() == doctest::Approx(prefill));
  double decode = 0;
  for (const Seconds s : t.of) decode += s.value();
  CHECK(period_of(plan_of(Stage::decode, Overlap::none, true, false), t).value() == doctest::Approx(decode - t[Piece::attention].value()));
}

TEST_CASE("decode's five stages: an exchange hides behind the other micro-batch's kernels") {
  const OverlapPlan plan = plan_of(Stage::decode, Overlap::five_stages, true, false);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    PieceTimes t = drawn(seed, 1);
    clear_ends(t);
    const double s = t[Piece::shared].value(), a0 = t[Piece::attention_before].value(), a1 = t[Piece::attention_after].value();
    const double m = t[Piece::experts].value(), d = t[Piece::dispatch].value(), c = t[Piece::combine].value();
    // After MLP(b): ATTN-1 of the other, then its SHARED, while COMBINE(b) is on its way; ATTN-0(b) needs both. DISPATCH of the other starts when
    // ATTN-1 and COMBINE(b) have ended (exchanges go one after the other), and the next MLP needs it.
    const double half = m + std::max(std::max(a1 + s, c) + a0, std::max(a1, c) + d);
    CHECK(period_of(plan, t).value() == doctest::Approx(2 * half).epsilon(1e-9));
    // The rule of thumb 2 [max(S + A0, D) + MLP + max(A1, C)] is the same where the combine is no longer than ATTN-1, and never less.
    const double rule = 2 * (std::max(s + a0, d) + m + std::max(a1, c));
    CHECK(period_of(plan, t).value() <= rule * (1 + 1e-9));
    if (c <= a1) CHECK(period_of(plan, t).value() == doctest::Approx(rule).epsilon(1e-9));
  }
}

TEST_CASE("a period is never shorter than its computing or its exchanges, and grows with each piece") {
  for (const Stage stage : {Stage::prefill, Stage::decode}) {
    const OverlapPlan plan = plan_of(stage, stage == Stage::decode ? Overlap::five_stages : Overlap::two_micro_batches, true, true);
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const PieceTimes t = drawn(seed, 1);
      const double period = period_of(plan, t).value();
      CHECK(period >= computing_of(plan, t).value() - 1e-9);
      CHECK(period >= 2 * (t[Piece::dispatch] + t[Piece::combine] + t[Piece::tensor_sum]).value() - 1e-9);
      for (std::size_t i = 0; i < t.of.size(); ++i) {
        PieceTimes more = t;
        more.of[i] += Seconds(0.1);
        CHECK(period_of(plan, more).value() >= period - 1e-9);
      }
    }
  }
}
