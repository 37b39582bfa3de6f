// The gates' statistics against closed forms and published means.
#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "workloads/moe/routing_table.h"

using namespace weft;
using namespace weft::workloads::moe;

namespace {

Gate test_gate(std::uint32_t nodes) { return {GateRule::deepep_test, 256, nodes, std::min(nodes, 4u), 8}; }
Gate free_gate() { return {GateRule::unrestricted, 256, 1, 1, 8}; }
Gate v3_gate() { return {GateRule::v3, 256, 8, 4, 8}; }
Group ranks(std::uint32_t n) { return {n, 8, 4096, 0}; }

}  // namespace

// E[distinct of G] = G (1 - C(256 - 256/G, 8) / C(256, 8)).
TEST_CASE("N5.07: without a limit, top-8 of 256 experts over 8 nodes meet 5.2947 nodes") {
  CHECK(expected_fan_out(free_gate(), ranks(64), 1).nodes == doctest::Approx(5.2947).epsilon(0.0002));
  CHECK(sample_routing(free_gate(), ranks(64), 1).mean_nodes() == doctest::Approx(5.2947).epsilon(0.002));
}

TEST_CASE("N5.08, N5.09: the test's gate meets 3.6142 of 4 nodes and 1.993 of 2") {
  CHECK(expected_fan_out(test_gate(4), ranks(32), 1).nodes == doctest::Approx(3.6142).epsilon(0.0002));
  CHECK(expected_fan_out(test_gate(2), ranks(16), 1).nodes == doctest::Approx(1.993).epsilon(0.0002));
  CHECK(sample_routing(test_gate(4), ranks(32), 1).mean_nodes() == doctest::Approx(3.6142).epsilon(0.002));
  CHECK(sample_routing(test_gate(2), ranks(16), 1).mean_nodes() == doctest::Approx(1.993).epsilon(0.002));
}

TEST_CASE("N5.10: V3's gate (4 of 8 groups by the sum of their two best) meets 3.957 of 8 nodes") {
  CHECK(std::abs(sample_routing(v3_gate(), ranks(64), 1).mean_nodes() - 3.957) < 0.02);
  CHECK(std::abs(expected_fan_out(v3_gate(), ranks(64), 1).nodes - 3.957) < 0.02);
}

TEST_CASE("N5.11: the test's gate (4 of 8 groups by their best) meets 3.983 of 8 nodes") {
  CHECK(std::abs(sample_routing(test_gate(8), ranks(64), 1).mean_nodes() - 3.983) < 0.02);
}

TEST_CASE("N5.12: distinct ranks at EP8, EP16 and EP32 are 5.2947, 6.5233 and 7.2668") {
  const double expected[] = {5.2947, 6.5233, 7.2668};
  for (const std::uint32_t nodes : {1u, 2u, 4u}) {
    const double want = expected[nodes == 1 ? 0 : nodes / 2];
    CHECK(std::abs(expected_fan_out(test_gate(nodes), ranks(8 * nodes), 1).ranks - want) < 0.001);
    CHECK(sample_routing(test_gate(nodes), ranks(8 * nodes), 1).mean_ranks() == doctest::Approx(want).epsilon(0.003));
  }
}

TEST_CASE("with eight groups on any EP size, V3's gate meets the nodes and ranks that its report's rule gives") {
  // Distinct nodes per token with 8 groups, top-4: EP16 1.965, EP32 3.11 (6.85 ranks), EP64 3.953 (7.486), EP128 5.72
  // (7.83).
  const double nodes[] = {1.965, 3.11, 3.953, 5.72}, rank[] = {5.72, 6.85, 7.486, 7.83};
  for (int i = 0; i < 4; ++i) {
    const FanOut f = expected_fan_out(v3_gate(), ranks(16u << i), 1);
    CHECK(f.nodes == doctest::Approx(nodes[i]).epsilon(0.005));
    CHECK(f.ranks == doctest::Approx(rank[i]).epsilon(0.005));
  }
}

TEST_CASE("the node limit saves 5.295 / 3.957 = 1.34 times the bytes between nodes") {
  CHECK(expected_fan_out(free_gate(), ranks(64), 1).nodes / expected_fan_out(v3_gate(), ranks(64), 1).nodes ==
        doctest::Approx(1.34).epsilon(0.01));
}

TEST_CASE("a gate chooses different experts, from no more groups than it may") {
  for (const Gate& g : {test_gate(8), test_gate(16), v3_gate(), free_gate()}) {
    for (std::uint64_t token = 0; token < 500; ++token) {
      Draws draws(3, "gate", 0, token);
      std::vector<std::uint32_t> chosen(g.topk);
      g.choose(draws, chosen);
      const std::set<std::uint32_t> different(chosen.begin(), chosen.end());
      std::set<std::uint32_t> groups;
      for (const std::uint32_t e : chosen) groups.insert(e / g.group_size());
      CHECK(different.size() == g.topk);
      CHECK(*different.rbegin() < g.experts);
      CHECK(groups.size() <= g.chosen_groups);
    }
  }
}

// Drawing the order of experts one by one is claimed to be exact. Here the same rule on 256 scores, word for word.
TEST_CASE("the quick draw of the test's gate has the statistics of sorting 256 scores") {
  const std::uint32_t tokens = 20000;
  double nodes = 0, ranks_hit = 0;
  for (std::uint32_t token = 0; token < tokens; ++token) {
    Draws draws(11, "scores", token);
    std::vector<double> score(256), best(8, 0.0);
    for (std::uint32_t e = 0; e < 256; ++e) score[e] = draws.unit(), best[e / 32] = std::max(best[e / 32], score[e]);
    std::vector<double> sorted = best;
    std::sort(sorted.rbegin(), sorted.rend());
    std::vector<std::pair<double, std::uint32_t>> allowed;
    for (std::uint32_t e = 0; e < 256; ++e)
      if (best[e / 32] >= sorted[3]) allowed.emplace_back(-score[e], e);
    std::sort(allowed.begin(), allowed.end());
    std::set<std::uint32_t> n, r;
    for (int k = 0; k < 8; ++k) n.insert(allowed[k].second / 32), r.insert(allowed[k].second / 4);
    nodes += static_cast<double>(n.size()), ranks_hit += static_cast<double>(r.size());
  }
  const FanOut quick = expected_fan_out(test_gate(8), ranks(64), 1);
  CHECK(std::abs(nodes / tokens - quick.nodes) < 0.005);     // standard error 0.001
  CHECK(std::abs(ranks_hit / tokens - quick.ranks) < 0.02);  // standard error 0.005
}

TEST_CASE("a routing table keeps every selection, and a token's ranks lie on its nodes") {
  Group group = ranks(32);
  group.tokens = 256;
  group.masked = 10;
  const RoutingTable t = sample_routing(test_gate(4), group, 5);
  for (std::uint32_t r = 0; r < 32; ++r) {
    double selections = 0;
    for (std::uint32_t q = 0; q < 32; ++q) {
      selections += t.selection(r, q);
      CHECK(t.copy(r, q) <= t.selection(r, q));
      CHECK(t.copy(r, q) <= t.message(r, q / 8));
    }
    CHECK(selections == 256 * 8 - 10);
  }
}

TEST_CASE("selections are struck out anywhere with the same chance, up to all of them") {
  Group group = ranks(32);
  group.tokens = 16;
  const auto kept = [&](std::uint32_t masked, std::uint32_t rank) {
    group.masked = masked;
    const RoutingTable t = sample_routing(test_gate(4), group, 5);
    double n = 0;
    for (std::uint32_t q = 0; q < 32; ++q) n += t.selection(rank, q);
    return n;
  };
  for (std::uint32_t masked : {0u, 1u, 64u, 127u, 128u}) {
    for (std::uint32_t rank : {0u, 31u}) CHECK(kept(masked, rank) == 128 - masked);
  }
  // A token is gone only when all its 8 selections are: with 120 of 128 struck out a rank's 8 survivors lie on
  // 16 (1 - C(120, 8) / C(128, 8)) = 6.60 of its 16 tokens on average, standard deviation 0.9 for a rank.
  double tokens = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RoutingTable t = sample_routing(Gate{.rule = GateRule::unrestricted, .experts = 32, .groups = 1, .chosen_groups = 1, .topk = 8},
                                          Group{.ranks = 32, .per_node = 32, .tokens = 16, .masked = 120}, seed);
    for (double n : t.messages) tokens += n / (20 * 32);
  }
  CHECK(std::abs(tokens - 6.597) < 0.15);  // standard error 0.04
}

TEST_CASE("routing depends on the seed and on nothing else") {
  const RoutingTable a = sample_routing(test_gate(4), ranks(32), 1), b = sample_routing(test_gate(4), ranks(32), 1),
                     c = sample_routing(test_gate(4), ranks(32), 2);
  CHECK(a.copies == b.copies);
  CHECK(a.copies != c.copies);
}
