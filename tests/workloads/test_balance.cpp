// Balance of experts: loads of GPUs, popularity, what scenarios ask, and routing tables with unequal shares.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include "workloads/moe/balance_question.h"
#include "workloads/moe/routing_from_shares.h"

using namespace weft;
using namespace weft::workloads;
using namespace weft::workloads::moe;
using doctest::Approx;
using Numbers = std::vector<std::uint32_t>;

namespace {

double sum(std::span<const double> list) { return std::accumulate(list.begin(), list.end(), 0.0); }

struct Read {
  BalanceQuestion question;
  std::string errors;
  Json resolved;
};

Read read(const std::string& text) {
  const Json json = parse_json(text, "t.json");
  Problems problems;
  JsonReader where(json, "t.json", problems);
  Parameters p(where, {});
  Read r;
  r.question = read_balance(p, "balance", 256, 8);
  where.done();
  r.resolved = *p.resolved();
  for (const Problem& one : problems.list()) r.errors += to_text(one) + "\n";
  return r;
}

std::string refused(const BalanceQuestion& q, std::uint32_t ep, std::uint32_t redundant) {
  try {
    balance_of(q, ep, 8, redundant, 1, 1);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("copies of an expert share its load evenly") {
  // GPU 0 has expert 0 and half of 1, GPU 1 the other half and expert 2: 6 + 2, 2 + 1; max over mean 8 / 5.5.
  const ExpertLoads loads{1, 3, {6, 4, 1}};
  const ExpertPlacement p{1, 3, 4, 2, {0, 1, 1, 2}, {1, 2, 1}};
  CHECK(gpu_loads(loads, p) == std::vector<double>{8, 3});
  CHECK(imbalance_of(loads, p).mean == Approx(8 / 5.5).epsilon(1e-15));
}

TEST_CASE("imbalance is the mean and the worst over layers, and a layer without load is even") {
  const ExpertLoads loads{2, 2, {3, 1, 0, 0}};
  const Imbalance i = imbalance_of(loads, in_order(2, 2, 2, 2));
  CHECK(i.worst == 1.5);    // 3 over (3 + 1) / 2
  CHECK(i.mean == 1.25);    // (1.5 + 1) / 2
}

TEST_CASE("experts in order come round again where there are more slots") {
  const ExpertPlacement p = in_order(2, 3, 8, 4);
  CHECK(p.expert_of_slot == Numbers{0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 2, 0, 1});
  CHECK(p.copies == Numbers{3, 3, 2, 3, 3, 2});
}

TEST_CASE("a random placement has each expert, its copies counted, and differs by layer and seed alone") {
  const ExpertPlacement p = at_random(3, 16, 24, 8, 5);
  for (std::uint32_t l = 0; l < 3; ++l) {
    Numbers seen(16, 0);
    for (std::uint32_t s = 0; s < 24; ++s) ++seen[p.expert_of_slot[l * 24 + s]];
    CHECK(std::equal(seen.begin(), seen.end(), p.copies.begin() + l * 16));
    CHECK(*std::min_element(seen.begin(), seen.end()) == 1);
    CHECK(*std::max_element(seen.begin(), seen.end()) == 2);
  }
  CHECK(!std::equal(p.expert_of_slot.begin(), p.expert_of_slot.begin() + 24, p.expert_of_slot.begin() + 24));
  CHECK(p.expert_of_slot == at_random(3, 16, 24, 8, 5).expert_of_slot);
  CHECK(p.expert_of_slot != at_random(3, 16, 24, 8, 6).expert_of_slot);
}

TEST_CASE("Gini's coefficient: 0 for equals, (n - 1) / n when one has all") {
  CHECK(gini(std::vector<double>{2, 2, 2}) == 0);
  CHECK(gini(std::vector<double>{0, 5, 0, 0}) == Approx(0.75).epsilon(1e-15));
  CHECK(gini(std::vector<double>{0, 0}) == 0);
}

TEST_CASE("a change of placement counts slots that differ, and experts that a GPU does not hold yet, once each") {
  // GPU 0: {0, 1} becomes {1, 2}: both slots differ, only 2 is new. GPU 1: {2, 3} becomes {0, 0}: one expert to fetch.
  const ExpertPlacement before{1, 4, 4, 2, {0, 1, 2, 3}, {1, 1, 1, 1}}, after{1, 4, 4, 2, {1, 2, 0, 0}, {2, 1, 1, 0}};
  const PlacementChange c = change_between(before, after);
  CHECK(c.slots_changed == 1);
  CHECK(c.mean_fetched == 1);
  CHECK(c.most_fetched == 1);
  const PlacementChange none = change_between(before, before);
  CHECK(none.slots_changed == 0);
  CHECK(none.most_fetched == 0);
}

TEST_CASE("lognormal popularity has the Gini of its law, erf(sigma / 2), and Zipf's s / (2 - s)") {
  for (const double sigma : {0.3, 0.6, 0.8}) {
    const ExpertLoads l = loads_of({PopularityKind::lognormal, sigma}, 1, 50'000, 3);
    CHECK(gini(l.load) == Approx(std::erf(sigma / 2)).epsilon(0.02));
  }
  const ExpertLoads z = loads_of({PopularityKind::zipf, 0.6, 0.5}, 1, 50'000, 3);
  CHECK(gini(z.load) == Approx(1.0 / 3).epsilon(0.02));
  // Ranks are the same in every layer, in another order: each layer adds up to the same, and its head lies elsewhere.
  const ExpertLoads two = loads_of({PopularityKind::zipf, 0.6, 1.0}, 2, 8, 3);
  CHECK(sum(two.of_layer(0)) == Approx(761.0 / 280).epsilon(1e-12));   // 1 + 1/2 + ... + 1/8
  CHECK(sum(two.of_layer(1)) == Approx(761.0 / 280).epsilon(1e-12));
  CHECK(!std::equal(two.load.begin(), two.load.begin() + 8, two.load.begin() + 8));
  CHECK(loads_of({PopularityKind::uniform}, 2, 2, 3).load == std::vector<double>(4, 1.0));
}

TEST_CASE("drift multiplies by a lognormal factor, goes on along one path, and is nothing at zero") {
  const ExpertLoads even = loads_of({PopularityKind::uniform}, 1, 20'000, 0);
  CHECK(drifted(even, 0, 9).load == even.load);
  const ExpertLoads once = drifted(even, 0.1, 9), twice = drifted(even, 0.2, 9);
  double squares = 0;
  for (std::size_t i = 0; i < once.load.size(); ++i) {
    CHECK(std::log(twice.load[i]) == Approx(2 * std::log(once.load[i])).epsilon(1e-9));
    squares += std::pow(std::log(once.load[i]), 2);
  }
  CHECK(std::sqrt(squares / 20'000) == Approx(0.1).epsilon(0.02));
}

TEST_CASE("a question without an answer of its own is even, a number is taken as it is") {
  const BalanceResult even = balance_of(read("{}").question, 32, 8, 32, 58, 1);
  CHECK(even.max_over_mean() == 1);
  CHECK(even.shares == std::vector<double>(32, 1.0));
  const BalanceResult given = balance_of(read(R"({"balance": 1.15})").question, 32, 8, 32, 58, 1);
  CHECK(given.max_over_mean() == 1.15);
  CHECK(given.shares[0] == 1.15);
  CHECK(sum(given.shares) == Approx(32).epsilon(1e-12));
  // Resolved they are one form, which is read too.
  CHECK(read("{}").resolved == read(R"({"balance": "even"})").resolved);
  CHECK(read(read(R"({"balance": 1.15})").resolved.dump()).question.fixed == 1.15);
}

TEST_CASE("EPLB makes a lognormal popularity almost even, staleness undoes part of it, and ages are averaged") {
  BalanceQuestion q = read(R"({"balance": {}})").question;
  q.policy = PlacementPolicy::none;
  const BalanceResult none = balance_of(q, 32, 8, 32, 58, 1);
  q.policy = PlacementPolicy::eplb;
  const BalanceResult fresh = balance_of(q, 32, 8, 32, 58, 1);
  CHECK(fresh.groups_stay);                          // 8 groups over 4 nodes
  CHECK(!balance_of(q, 144, 8, 32, 58, 1).groups_stay);   // 18 nodes
  CHECK(fresh.max_over_mean() < none.max_over_mean());
  CHECK(fresh.gpus.worst >= fresh.gpus.mean);
  CHECK(fresh.hottest_copies >= 2);
  CHECK(sum(fresh.shares) == Approx(32).epsilon(1e-12));
  CHECK(*std::max_element(fresh.shares.begin(), fresh.shares.end()) == Approx(fresh.max_over_mean()).epsilon(0.02));
  q.drift = 0.2;
  const BalanceResult stale = balance_of(q, 32, 8, 32, 58, 1);
  CHECK(stale.max_over_mean() > fresh.max_over_mean());
  q.rebalance_period = Seconds(3600);                // as old as that only at the end
  const BalanceResult often = balance_of(q, 32, 8, 32, 58, 1);
  CHECK(often.max_over_mean() > fresh.max_over_mean());
  CHECK(often.max_over_mean() < stale.max_over_mean());
  CHECK(drift_at(q, Seconds(900)) == Approx(0.1).epsilon(1e-12));   // a quarter of the time, half the drift
}

TEST_CASE("what a balance object says is resolved so that it can be read again") {
  const Read r = read(R"({"balance": {"popularity": "zipf", "exponent": 0.7, "policy": "global", "drift": 0.1, "drift_time": "30 min", "rebalance_period": "10 min"}})");
  CHECK(r.errors.empty());
  CHECK(r.question.popularity.kind == PopularityKind::zipf);
  CHECK(r.question.popularity.exponent == 0.7);
  CHECK(r.question.policy == PlacementPolicy::global);
  CHECK(r.question.drift_time.value() == 1800);
  CHECK(r.question.rebalance_period->value() == 600);
  const Read again = read(r.resolved.dump());
  CHECK(again.errors.empty());
  CHECK(again.resolved == r.resolved);
}

TEST_CASE("bad balances are refused with their place") {
  CHECK(holds(read(R"({"balance": 0.5})").errors, "/balance"));
  CHECK(holds(read(R"({"balance": "evn"})").errors, "/balance"));
  CHECK(holds(read(R"({"balance": {"max_over_mean": 0.5}})").errors, "/balance/max_over_mean"));
  CHECK(holds(read(R"({"balance": {"max_over_mean": 1.5, "policy": "eplb"}})").errors, "/balance/policy"));
  CHECK(holds(read(R"({"balance": {"policy": "eplbb"}})").errors, "did you mean \"eplb\""));
  CHECK(holds(read(R"({"balance": {"sigma": -1}})").errors, "/balance/sigma"));
  CHECK(holds(read(R"({"balance": {"popularity": "zipf", "sigma": 1}})").errors, "/balance/sigma: says nothing of a zipf popularity"));
  CHECK(holds(read(R"({"balance": {"loads": "nowhere.json"}})").errors, "/balance/loads"));
  CHECK(holds(read(R"({"balance": {"half_life": 2}})").errors, "/balance/half_life"));
  CHECK(holds(read(R"({"balance": {"drift_time": "0 s"}})").errors, "/balance/drift_time"));
  CHECK(holds(read(R"({"balance": {"skew": 2}})").errors, "/balance/skew"));
  const BalanceQuestion q = read(R"({"balance": {}})").question;
  CHECK(holds(refused(q, 12, 32), "/ep: 12 GPUs are no whole nodes of 8"));
  CHECK(holds(refused(q, 144, 31), "/redundant: 256 experts and 31 redundant copies do not divide over 144 GPUs"));
  BalanceQuestion hierarchical = q;
  hierarchical.policy = PlacementPolicy::hierarchical;
  CHECK(holds(refused(hierarchical, 144, 32), "/balance/policy: 8 groups of experts do not divide over 18 nodes"));
  BalanceQuestion far;
  far.fixed = 40;
  CHECK(holds(refused(far, 32, 32), "one GPU of 32 has at most 32 times the mean"));
}

TEST_CASE("equal shares route as the mean does") {
  const Gate gate{GateRule::v3, 288, 8, 4, 8};
  const Group group{32, 8, 4096, 0};
  const RoutingTable even = expected_routing(gate, group, 1), t = routing_from_shares(gate, group, std::vector<double>(32, 3.0), 1);
  CHECK(t.alike);
  CHECK(t.copies == even.copies);
  CHECK(t.messages == even.messages);
}

TEST_CASE("unequal shares: every source sends the same, selections in proportion, copies between what is possible") {
  const Gate gate{GateRule::unrestricted, 288, 1, 1, 8};
  const Group group{144, 8, 128, 10};
  std::vector<double> shares(144, 1.0);
  shares[0] = 2, shares[1] = 0, shares[9] = 1.5, shares[10] = 0.5;
  const RoutingTable t = routing_from_shares(gate, group, shares, 1);
  CHECK(!t.alike);
  for (std::uint32_t from : {0u, 77u, 143u}) {
    double selections = 0;
    for (std::uint32_t to = 0; to < 144; ++to) {
      selections += t.selection(from, to);
      CHECK(t.selection(from, to) == Approx((128.0 * 8 - 10) / 144 * shares[to]).epsilon(1e-12));
      CHECK(t.copy(from, to) <= t.selection(from, to));
    }
    CHECK(selections == Approx(128 * 8 - 10).epsilon(1e-12));
    CHECK(t.copy(from, 1) == 0);
    CHECK(t.copy(from, 0) > t.copy(from, 2));
    CHECK(t.copy(from, 0) < 2 * t.copy(from, 2));   // some of twice the selections meet on one rank
    for (std::uint32_t node = 0; node < 18; ++node) {
      double most = 0, all = 0;
      for (std::uint32_t to = node * 8; to < node * 8 + 8; ++to) most = std::max(most, t.copy(from, to)), all += t.copy(from, to);
      CHECK(t.message(from, node) >= most);
      CHECK(t.message(from, node) <= all);
    }
  }
}

TEST_CASE("at one slot a rank every selection is a copy of its own") {
  const Gate gate{GateRule::unrestricted, 64, 1, 1, 8};
  const Group group{64, 8, 512, 0};
  std::vector<double> shares(64, 1.0);
  shares[3] = 3, shares[4] = 0.25;
  const RoutingTable t = routing_from_shares(gate, group, shares, 1);
  for (std::uint32_t to = 0; to < 64; ++to) CHECK(t.copy(5, to) == Approx(t.selection(5, to)).epsilon(1e-12));
}

TEST_CASE("popular experts side by side: the last GPU has the two most popular of eight, and copies are of the least popular") {
  // Loads 1..8 in any order: sorted 1 2 | 3 4 | 5 6 | 7 8, the fullest GPU has 15 of a mean of 9. With 8 copies more every expert has two, in the
  // same order again: GPU 1 has halves of 5 6 7 8 = 13.
  const ExpertLoads loads{1, 8, {3, 8, 1, 6, 2, 7, 5, 4}};
  CHECK(gpu_loads(loads, popular_together(loads, 8, 4)) == std::vector<double>{3, 7, 11, 15});
  CHECK(imbalance_of(loads, popular_together(loads, 8, 4)).mean == Approx(15.0 / 9));
  CHECK(gpu_loads(loads, popular_together(loads, 16, 4)) == std::vector<double>{5, 13, 5, 13});
  CHECK(popular_together(loads, 12, 4).copies == Numbers{2, 1, 2, 1, 2, 1, 1, 2});
  const Read r = read(R"({"balance": {"policy": "together"}})");
  CHECK(r.errors.empty());
  CHECK(r.question.policy == PlacementPolicy::together);
  const double even = balance_of(read(R"({"balance": {"policy": "eplb"}})").question, 32, 8, 32, 3, 1).gpus.mean;
  CHECK(balance_of(r.question, 32, 8, 32, 3, 1).gpus.mean > 1.5 * even);
}
