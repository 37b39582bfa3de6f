// Capacities of prefill and decode units from step times that are given.
#include <doctest/doctest.h>

#include <memory>

#include "sim/core/error.h"
#include "workloads/inference/day/capacity.h"

using namespace weft;
using namespace weft::workloads::inference;
using doctest::Approx;

namespace {

/// A step of 20 ms and 0.5 ms a request; a pass of 1 us a token, 1 ns a pair and 10 ms.
struct Lines final : StepTimes {
  Seconds prefill(const PrefillLoad& l) const override { return Seconds(0.01 + 1e-6 * l.tokens + 1e-9 * l.pairs); }
  Seconds decode(const DecodeLoad& l) const override { return Seconds(0.02 + 5e-4 * l.requests); }
};

/// 18 nodes of eight groups, with room for 100 requests of 5,000 tokens.
TimedUnit decode_unit(double kv_tokens = 500'000) {
  Unit u;
  u.nodes = 18;
  u.groups = 144;
  u.kv_tokens = kv_tokens;
  u.drafts = 1;
  u.kv_per_token = Bytes(70272);
  return {u, std::make_shared<Lines>()};
}

TimedUnit prefill_unit() {
  Unit u;
  u.nodes = 4;
  u.groups = 32;
  return {u, std::make_shared<Lines>()};
}

}  // namespace

TEST_CASE("a decode node gives 8 B (1 + p) / step(B)") {
  const DecodeRates rates(decode_unit(), 5000, 1.8);
  CHECK(rates.most_requests() == 100);
  const DecodePoint p = rates.at(60);
  CHECK(p.step.value() == Approx(0.05));
  CHECK(p.user_speed == Approx(1.8 / 0.05));
  CHECK(p.group_rate == Approx(60 * 36));
  CHECK(p.node_rate == Approx(8 * 60 * 36));
  CHECK(p.kv.value() == Approx(60.0 * 5000 * 70272));
  CHECK(rates.groups_per_node() == 8);
  CHECK(rates.full().requests == 100);
  CHECK(rates.full().node_rate == Approx(8 * 100 * 1.8 / 0.07));
}

TEST_CASE("the batch of a rate and of a user's speed are those that give them") {
  const DecodeRates rates(decode_unit(), 5000, 1.8);
  CHECK(rates.at_rate(rates.at(37.5).node_rate)->requests == Approx(37.5));
  CHECK(rates.at_rate(rates.at(0.25).node_rate)->requests < 1);
  CHECK_FALSE(rates.at_rate(rates.full().node_rate * 1.01));
  // 1.8 / (0.02 + 0.0005 B) = 30 at B = 80.
  CHECK(rates.at_speed(30)->requests == Approx(80));
  CHECK(rates.at_speed(30)->user_speed == Approx(30));
  CHECK(rates.at_speed(10)->requests == 100);   // the cache is full before users are so slow
  CHECK_FALSE(rates.at_speed(1.8 / 0.0204));    // one request takes 0.0205 s a step
}

namespace {

/// As Lines, but from 50 to 59 requests a step takes 20 ms more.
struct Hump final : StepTimes {
  Seconds prefill(const PrefillLoad&) const override { return Seconds(1); }
  Seconds decode(const DecodeLoad& l) const override { return Seconds(0.02 + 5e-4 * l.requests + (l.requests >= 50 && l.requests < 60 ? 0.02 : 0)); }
};

}  // namespace

TEST_CASE("the batch of a user's speed is a whole number, and the largest one although smaller ones may be slower") {
  TimedUnit unit = decode_unit();
  unit.times = std::make_shared<Hump>();
  const DecodeRates rates(unit, 5000, 1.8);
  CHECK(rates.at_speed(1.8 / 0.055)->requests == 70);    // 20 ms + 70 x 0.5 ms; 50 are slower
  CHECK(rates.at_speed(1.8 / 0.0553)->requests == 70);
  CHECK(rates.at_speed(1.8 / 0.0445)->requests == 49);
  for (int b = 1; b < 50; ++b) CHECK(rates.at_speed(1.8 / (0.02 + 5e-4 * b))->requests == b);
  const DecodeRates few(decode_unit(12500), 5000, 1.8);   // room for 2.5 requests
  CHECK(few.at_speed(1.8 / 0.021)->requests == 2);
  CHECK(few.at_speed(1.8 / 0.0205)->requests == 1);
  CHECK(few.at_speed(1)->requests == 2.5);
}

TEST_CASE("a cache that has no room for one request is told; one that has is enough") {
  CHECK_THROWS_AS(DecodeRates(decode_unit(4999), 5000, 1), UserError);
  const DecodeRates rates(decode_unit(5000), 5000, 1);
  CHECK(rates.full().requests == 1);
  CHECK(rates.at_rate(rates.full().node_rate)->requests == Approx(1));
  const DecodeRates narrow(decode_unit(7500), 5000, 1);
  CHECK(narrow.full().requests == 1.5);
  CHECK(narrow.at(1.25).step.value() == Approx(0.02 + 5e-4 * 1.25));
}

TEST_CASE("a prompt with a cached prefix is computed from there on, and its suffix sees all of it") {
  // 4,000 tokens, a quarter computed: 1,000 x 3,000 + 1,000 x 1,001 / 2 pairs a prompt; 16 prompts a pass.
  const PrefillLoad l = prefill_load({4000, 0.75, 16000});
  CHECK(l.tokens == 16000);
  CHECK(l.prompts == 16);
  CHECK(l.cached == 48000);
  CHECK(l.pairs == 16 * (3'000'000 + 500'500));
  const PrefillPoint p = prefill_rates(prefill_unit(), {4000, 0.75, 16000});
  CHECK(p.pass.value() == Approx(0.01 + 0.016 + 1e-9 * l.pairs));
  CHECK(p.computed_rate == Approx(8 * 16000 / p.pass.value()));
  CHECK(p.node_rate == Approx(4 * p.computed_rate));
}

TEST_CASE("attention over a suffix is what the whole prompt's is less the cached part's: a share h saves h squared") {
  const double h = 0.5625, prompt = 1e6;   // long enough that the diagonal does not matter
  const double whole = prefill_load({prompt, 0, prompt}).pairs, suffix = prefill_load({prompt, h, prompt * (1 - h)}).pairs;
  CHECK(suffix / whole == Approx(1 - h * h).epsilon(1e-5));
}
