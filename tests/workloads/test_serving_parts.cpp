#include <cmath>
#include <set>

#include <doctest/doctest.h>

#include "tests/workloads/serving_support.h"

using namespace weft;
using namespace weft::testing;

namespace {

/// What the fullest group of a pass of these prompts has.
PrefillLoad slowest(std::vector<std::uint32_t> prompts, std::uint32_t groups, PrefillBalance balance, const WorkWeights& weights) {
  ServingPolicy policy;
  policy.prefill_balance = balance;
  Unit unit;
  unit.groups = groups, unit.kv_tokens = 1e6;
  PrefillUnit prefill(unit, policy, weights);
  LiveRequests requests;
  std::deque<std::uint32_t> waiting;
  for (const std::uint32_t p : prompts) {
    LiveRequest r;
    r.prompt = r.context = p;
    waiting.push_back(requests.add(r));
  }
  const Pass pass = prefill.next(waiting, requests);
  CHECK(pass.pieces.size() == prompts.size());
  CHECK(waiting.empty());
  return pass.slowest;
}

}  // namespace

// Longest first: 4 | 3 3. In order of arrival, in turn: 4 3 | 3.
TEST_CASE("prompts are dealt out longest first, each to the group with the least") {
  const WorkWeights tokens{1, 0, 0, 0};
  CHECK(slowest({3000, 4000, 3000}, 2, PrefillBalance::work, tokens).tokens == 6000);
  CHECK(slowest({4000, 3000, 3000}, 2, PrefillBalance::in_turn, tokens).tokens == 7000);
}

// One prompt of 2,000 has about as many pairs as four of 1,000: balanced work sets them against each other, balanced tokens do not.
TEST_CASE("attention counts in the work of a prompt") {
  const WorkWeights pairs{0, 1, 0, 0};
  const std::vector<std::uint32_t> prompts = {2000, 1000, 1000, 1000, 1000};
  CHECK(slowest(prompts, 2, PrefillBalance::work, pairs).pairs == 4 * 500500.0);
  CHECK(slowest(prompts, 2, PrefillBalance::tokens, pairs).pairs == 2001000 + 500500.0);
}

// Groups of 1,000 tokens with 2,000 before them and of 1,500 fresh ones: 2,500,500 pairs against 1,125,750.
TEST_CASE("a pass takes as long as its busiest group, or as one with the largest of each") {
  for (const WaitFor wait : {WaitFor::busiest_group, WaitFor::largest_of_each}) {
    ServingPolicy policy;
    policy.wait_for = wait;
    Unit unit;
    unit.groups = 2, unit.kv_tokens = 1e6;
    PrefillUnit prefill(unit, policy, {0, 1, 0, 0});
    LiveRequests requests;
    std::deque<std::uint32_t> waiting;
    LiveRequest a, b;
    a.prompt = a.context = 3000, a.cached = a.prefilled = 2000;
    b.prompt = b.context = 1500;
    waiting = {requests.add(a), requests.add(b)};
    const PrefillLoad slowest = prefill.next(waiting, requests).slowest;
    CHECK(slowest.pairs == 2500500);
    CHECK(slowest.cached == 2000);
    CHECK(slowest.tokens == (wait == WaitFor::busiest_group ? 1250 : 1500));   // no fewer than the mean, which the experts see
  }
}

TEST_CASE("weights of work are the slopes of the times") {
  TimeFactors f;
  f.base = Seconds(1e-2), f.per_token = Seconds(3e-6), f.per_pair = Seconds(2e-9), f.per_cached = Seconds(1e-7), f.per_prompt = Seconds(1e-4);
  const WorkWeights w = work_weights(GivenTimes(f), 16384);
  CHECK(w.token == doctest::Approx(3e-6));
  CHECK(w.pair == doctest::Approx(2e-9));
  CHECK(w.cached == doctest::Approx(1e-7));
  CHECK(w.prompt == doctest::Approx(1e-4));
}

TEST_CASE("a pass keeps to tokens and memory of its groups, and takes prompts in order") {
  ServingPolicy policy;
  policy.max_tokens = 1000;
  policy.wait_for = WaitFor::largest_of_each;
  Unit unit;
  unit.groups = 2, unit.kv_tokens = 2000;
  PrefillUnit prefill(unit, policy, {1, 0, 0, 0});
  LiveRequests requests;
  std::deque<std::uint32_t> waiting;
  for (const std::uint32_t p : {900u, 1500u, 400u, 100u}) {
    LiveRequest r;
    r.prompt = r.context = p;
    waiting.push_back(requests.add(r));
  }
  // 900 and the first 1,000 of 1,500 leave 100 tokens of room: the third prompt does not fit, and the fourth does not overtake it.
  Pass pass = prefill.next(waiting, requests);
  REQUIRE(pass.pieces.size() == 2);
  CHECK(pass.slowest.tokens == 1000);
  CHECK(pass.slowest.prompts == 1);
  CHECK(waiting.size() == 2);
  for (const Piece& p : pass.pieces) requests[p.request].prefilled += p.tokens;
  // The rest of the second goes on where it was, whatever else comes.
  const std::uint32_t group = requests[1].prefill_group;
  pass = prefill.next(waiting, requests);
  REQUIRE(pass.pieces.size() == 3);
  CHECK(pass.pieces[0].request == 1);
  CHECK(pass.pieces[0].group == group);
  CHECK(pass.pieces[0].tokens == 500);
  CHECK(pass.pieces[0].last);
  CHECK(prefill.kv_used() == 900 + 1500 + 400 + 100);
  // 1,100 tokens more do not fit in either group's memory until one leaves.
  LiveRequest r;
  r.prompt = r.context = 1100;
  waiting.push_back(requests.add(r));
  for (const Piece& p : pass.pieces) requests[p.request].prefilled += p.tokens;
  CHECK(prefill.next(waiting, requests).pieces.empty());
  CHECK(prefill.blocked());
  prefill.release(group, 1500);
  CHECK_FALSE(prefill.blocked());
  CHECK(prefill.next(waiting, requests).pieces.size() == 1);
}

TEST_CASE("requests go to the decode group that holds least of memory and requests together") {
  StageSetup stage;
  stage.unit.groups = 2, stage.unit.kv_tokens = 1e6;
  stage.times = std::make_shared<GivenTimes>(TimeFactors{});
  const auto place = [](DecodeStage& d, std::uint32_t context) {
    LiveRequest r;
    r.prompt = r.context = context;
    r.output = 100;
    const auto g = d.choose(r);
    REQUIRE(g.has_value());
    d.place(*g, r);
    return *g;
  };
  ServingPolicy policy;
  policy.decode_balance = DecodeBalance::kv;
  DecodeStage by_kv(stage, policy, 1);
  CHECK(place(by_kv, 9000) == 0);
  for (int i = 0; i < 8; ++i) CHECK(place(by_kv, 1000) == 1);   // 8 x 1,001 tokens are less than 9,001
  policy.decode_balance = DecodeBalance::requests;
  DecodeStage by_requests(stage, policy, 1);
  CHECK(place(by_requests, 9000) == 0);
  CHECK(place(by_requests, 1000) == 1);
  CHECK(place(by_requests, 1000) == 0);
  policy.decode_balance = DecodeBalance::kv_and_requests;
  DecodeStage both(stage, policy, 1);
  CHECK(place(both, 9000) == 0);
  // 9,001 of 12,004 tokens and one of four requests: 1.0 against 0.25 + 0.75: the fourth short one is the first to go beside the long one, or the next.
  int beside = 0;
  for (int i = 0; i < 9; ++i) beside += place(both, 1000) == 0;
  CHECK(beside >= 2);
  CHECK(beside <= 4);
}

namespace {

/// A step that takes less time with more requests, as one may where times go by whole blocks of the cache.
struct FallingTimes final : StepTimes {
  Seconds prefill(const PrefillLoad&) const override { return Seconds(1); }
  Seconds decode(const DecodeLoad& l) const override { return Seconds(1 - 0.01 * l.requests + 1e-6 * l.kv_tokens); }
};

}  // namespace

// Two requests of 301 tokens against one of 901: a slope by requests below zero counts as zero, and that by the cache as it is.
TEST_CASE("the busiest decode group is that with most of what adds to the time of a step") {
  StageSetup stage;
  stage.unit.groups = 2, stage.unit.kv_tokens = 1e5;
  stage.times = std::make_shared<FallingTimes>();
  ServingPolicy policy;
  policy.decode_balance = DecodeBalance::in_turn;
  DecodeStage d(stage, policy, 1);
  LiveRequests requests;
  for (const std::uint32_t context : {300, 900, 300}) {
    LiveRequest r;
    r.prompt = r.context = context;
    r.output = 100;
    r.delivered = 1;
    const std::uint32_t slot = requests.add(r);
    d.place(*d.choose(requests[slot]), requests[slot]);
    d.arrive(slot, requests[slot].decode_group);
  }
  std::vector<Left> evicted;
  const StepPlan plan = d.begin(0, requests, evicted);
  CHECK(plan.slowest.requests == 1.5);   // no fewer than the mean
  CHECK(plan.slowest.kv_tokens == 901);
}

TEST_CASE("a decode group counts what its requests hold, drawn or not") {
  for (const double acceptance : {0.0, 0.5, 1.0}) {
    const Drafts drafts(2, acceptance, 3);
    DecodeGroup g;
    for (std::uint32_t i = 0; i < 5; ++i) {
      g.place(100 * i + 1, 0);
      g.join(i, 100 * i + 1, 10 + i, drafts.key(i), 0, drafts);
    }
    CHECK(g.kv() == 1005);
    std::vector<Left> left;
    std::uint64_t tokens = 0;
    for (std::uint64_t step = 0; g.running() > 0 && step < 100; ++step) tokens += g.advance(step, drafts, left);
    CHECK(g.kv() == 0);
    CHECK(left.size() == 5);
    CHECK(tokens == 10 + 11 + 12 + 13 + 14);
    for (const Left& l : left) CHECK(l.delivered == 10 + l.request);
  }
}

TEST_CASE("the draws of a request do not hang on the step at which it joins") {
  const Drafts drafts(1, 0.6, 3);
  const auto steps = [&](std::uint64_t first) {
    DecodeGroup g;
    g.place(10, 0);
    g.join(0, 10, 50, drafts.key(17), first, drafts);
    std::vector<Left> left;
    for (std::uint64_t step = first; g.running() > 0; ++step) g.advance(step, drafts, left);
    return left.at(0).steps;
  };
  CHECK(steps(0) == steps(1234));
}

TEST_CASE("percentiles are exact while they fit, and within 0.05 % after that") {
  Distribution exact, rough(100);
  for (int i = 1000; i >= 1; --i) exact.add(i), rough.add(i);
  CHECK(exact.quantile(0.5) == 500);
  CHECK(exact.quantile(0.99) == 990);
  CHECK(exact.quantile(0.9901) == 991);
  CHECK(exact.quantile(1) == 1000);
  CHECK(exact.mean() == 500.5);
  CHECK(rough.mean() == 500.5);
  for (const double p : {0.1, 0.5, 0.9, 0.99}) CHECK(rough.quantile(p) == doctest::Approx(exact.quantile(p)).epsilon(0.0006));
  Distribution weighted;
  weighted.add(3, 98), weighted.add(5), weighted.add(1);
  CHECK(weighted.count() == 100);
  CHECK(weighted.quantile(0.01) == 1);
  CHECK(weighted.quantile(0.99) == 3);
  CHECK(weighted.quantile(0.999) == 5);
  CHECK(Distribution().quantile(0.5) == 0);
}

TEST_CASE("samples that become too many are thinned, and stay regular") {
  Samples s(1, 8);
  for (int i = 0; i < 100; ++i) {
    ServerState state;
    state.time = s.next();
    s.add(state);
  }
  CHECK(s.all().size() < 8);
  for (std::size_t i = 0; i < s.all().size(); ++i) CHECK(s.all()[i].time == i * s.every());
}

// A cache goes over the rail of the GPU that sends, and from its peer over NVLink.
TEST_CASE("a cache takes the rail of its GPU and NVLink on the other side") {
  ServingSetup setup;
  setup.placement = Placement(2, 8);
  setup.prefill.unit.nodes = setup.decode.unit.nodes = 1;
  setup.prefill.unit.groups = setup.decode.unit.groups = 8;
  setup.decode.first_node = 1;
  setup.rails = std::make_shared<workloads::Rails>(view_of(2), 2, 8, workloads::RailOptions{});
  KvPaths paths(setup);
  using workloads::gpu_at;
  CHECK(paths.transfer(0, 3, 3) == std::vector<workloads::Leg>{{gpu_at(0, 3), gpu_at(1, 3), 1}});
  CHECK(paths.transfer(0, 3, 5) == std::vector<workloads::Leg>{{gpu_at(0, 3), gpu_at(1, 3), 1}, {gpu_at(1, 3), gpu_at(1, 5), 1}});
  setup.prefill.unit.groups = 4, setup.prefill.unit.gpus_per_group = 2;   // two GPUs of a group send half each
  CHECK(paths.transfer(0, 1, 2) == std::vector<workloads::Leg>{{gpu_at(0, 2), gpu_at(1, 2), 0.5}, {gpu_at(0, 3), gpu_at(1, 3), 0.5}, {gpu_at(1, 3), gpu_at(1, 2), 0.5}});
}

TEST_CASE("a cached prompt is read from as many SSDs as it is striped over, each its part") {
  ServingSetup setup;
  setup.storage.nodes = 3, setup.storage.ssds_per_node = 16;
  setup.policy.disk_stripes = 8;
  KvPaths paths(setup);
  const std::vector<workloads::Leg> read = paths.disk(42, 5, false), write = paths.disk(42, 5, true);
  REQUIRE(read.size() == 8);
  std::set<std::pair<std::uint32_t, std::uint32_t>> ssds;
  double share = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(read[i].from.kind == Endpoint::Kind::ssd);
    CHECK(read[i].from.node.value < 3);
    CHECK(read[i].from.local < 16);
    CHECK(read[i].to == Endpoint{Endpoint::Kind::host, NodeId(5), 0});
    CHECK(write[i].from == read[i].to);
    CHECK(write[i].to == read[i].from);
    ssds.insert({read[i].from.node.value, read[i].from.local});
    share += read[i].share;
  }
  CHECK(ssds.size() == 8);
  CHECK(share == doctest::Approx(1));
}

TEST_CASE("a piece of a prompt sees all before it and itself, and only the last one asks for an answer's first token") {
  // Tokens 5 to 7 of a prompt see 5 + 6 + 7 = 18.
  const PrefillLoad middle = piece_load(4, 3, false), last = piece_load(4, 3, true);
  CHECK(middle.tokens == 3);
  CHECK(middle.pairs == 18);
  CHECK(middle.cached == 4);
  CHECK(middle.prompts == 0);
  CHECK(last.pairs == 18);
  CHECK(last.prompts == 1);
  // In pieces or whole, a prompt has the same tokens, pairs and one answer: of 10 tokens 10 * 11 / 2 pairs.
  const PrefillLoad first = piece_load(0, 4, false), rest = piece_load(7, 3, true);
  CHECK(first.pairs + middle.pairs + rest.pairs == 55);
  CHECK(first.prompts + middle.prompts + rest.prompts == 1);
}

// Two drafts, each accepted with p when the one before it was: 1, 2 and 3 tokens with 1 - p, p - p^2 and p^2; of n draws a share q varies by sqrt(q (1 - q) / n).
TEST_CASE("a second draft counts only when the first was accepted") {
  constexpr double kAccepted = 0.6, kDraws = 100'000;
  const Drafts drafts(2, kAccepted, 3);
  double of[4] = {};
  for (std::uint32_t i = 0; i < kDraws; ++i) of[drafts.draw(Drafts::at(drafts.key(i), 1))] += 1 / kDraws;
  const double due[4] = {0, 1 - kAccepted, kAccepted - kAccepted * kAccepted, kAccepted * kAccepted};
  for (int tokens = 0; tokens < 4; ++tokens) CHECK(std::abs(of[tokens] - due[tokens]) <= 4 * std::sqrt(due[tokens] * (1 - due[tokens]) / kDraws));
}
