// Properties of the max-min solver on random systems that come and go, against plain progressive filling.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "sim/engine/fluid/solver.h"
#include "tests/support/naive_max_min.h"

using weft::engine::Solver;
using weft::testing::NaiveFlow;
using Terms = std::vector<Solver::Term>;

namespace {

/// A solver beside the list of what is in it.
struct Twin {
  Solver solver;
  std::vector<double> capacity;
  std::map<std::uint32_t, Terms> live;

  void add_links(int n, bool equal) {
    for (int i = 0; i < n; ++i) {
      capacity.push_back(equal ? 12 : *rc::gen::inRange(0, 40));
      RC_ASSERT(solver.add_link(capacity.back()) == static_cast<std::uint32_t>(i));
    }
  }
  void add(const Terms& t) { live[solver.add_variable(t)] = t; }
  void remove_any() {
    if (live.empty()) return;
    auto it = std::next(live.begin(), *rc::gen::inRange<int>(0, static_cast<int>(live.size())));
    solver.remove_variable(it->first);
    live.erase(it);
  }
  void set_capacity(std::uint32_t l, double c) { solver.set_capacity(l, capacity[l] = c); }

  std::vector<double> expected() const {
    std::vector<NaiveFlow> flows;
    for (const auto& [v, terms] : live) {
      NaiveFlow f;
      for (const auto& t : terms) f.links.emplace_back(t.link, t.coefficient);
      flows.push_back(f);
    }
    return weft::testing::naive_max_min(capacity, flows);
  }
};

Terms random_terms(int links, bool odd_shares) {
  Terms t;
  const int n = *rc::gen::inRange(1, 5);
  for (int i = 0; i < n; ++i) {
    const auto l = static_cast<std::uint32_t>(*rc::gen::inRange(0, links));
    if (std::any_of(t.begin(), t.end(), [&](const auto& o) { return o.link == l; })) continue;
    t.push_back({l, odd_shares ? *rc::gen::inRange(1, 2000) / 997.0 : 1.0});
  }
  return t;
}

bool same(double a, double b) { return std::abs(a - b) <= 1e-10 * std::max(std::abs(a), std::abs(b)) + 1e-12; }

void check_levels(Twin& t) {
  const auto want = t.expected();
  std::size_t i = 0;
  for (const auto& [v, terms] : t.live) {
    if (!same(t.solver.level(v), want[i])) RC_FAIL("level " + std::to_string(t.solver.level(v)) + " where filling gives " + std::to_string(want[i]));
    ++i;
  }
}

void check_certificates(Twin& t) {
  for (std::uint32_t l = 0; l < t.capacity.size(); ++l) RC_ASSERT(t.solver.load(l) <= t.capacity[l] * (1 + 1e-11) + 1e-12);
  for (const auto& [v, terms] : t.live) {
    const std::uint32_t b = t.solver.bottleneck(v);
    RC_ASSERT(b != Solver::none);
    RC_ASSERT(std::any_of(terms.begin(), terms.end(), [&](const auto& o) { return o.link == b; }));
    RC_ASSERT(t.solver.load(b) >= t.capacity[b] * (1 - 1e-11));
    double highest = 0;
    t.solver.for_users(b, [&](std::uint32_t u, double) { highest = std::max(highest, t.solver.level(u)); });
    RC_ASSERT(t.solver.level(v) >= highest * (1 - 1e-11));
  }
}

void play(bool odd_shares, bool equal_capacities) {
  Twin t;
  const int links = *rc::gen::inRange(1, 14);
  t.add_links(links, equal_capacities);
  const int steps = *rc::gen::inRange(1, 40);
  for (int step = 0; step < steps; ++step) {
    const int what = *rc::gen::inRange(0, 10);
    const int many = *rc::gen::inRange(1, 6);
    for (int i = 0; i < many; ++i) {
      if (what < 6) t.add(random_terms(links, odd_shares));
      else if (what < 9) t.remove_any();
      else t.set_capacity(static_cast<std::uint32_t>(*rc::gen::inRange(0, links)), *rc::gen::inRange(0, 40));
    }
    t.solver.solve();
    check_levels(t);
    check_certificates(t);
  }
}

}  // namespace

TEST_CASE("whatever comes and goes, levels equal plain progressive filling and every variable has its bottleneck") {
  CHECK(rc::check("distinct shares", [] { play(true, false); }));
  CHECK(rc::check("equal shares and capacities, many ties", [] { play(false, true); }));
  CHECK(rc::check("equal shares", [] { play(false, false); }));
}

TEST_CASE("the order in which variables are added does not matter") {
  CHECK(rc::check([] {
    const int links = *rc::gen::inRange(1, 10);
    std::vector<Terms> all;
    const int n = *rc::gen::inRange(1, 30);
    for (int i = 0; i < n; ++i) all.push_back(random_terms(links, true));
    Solver forward, backward;
    for (int l = 0; l < links; ++l) {
      const double c = *rc::gen::inRange(1, 40);
      forward.add_link(c);
      backward.add_link(c);
    }
    std::vector<std::uint32_t> f, b(all.size());
    for (const auto& t : all) f.push_back(forward.add_variable(t));
    for (std::size_t i = all.size(); i-- > 0;) {
      b[i] = backward.add_variable(all[i]);
      if (i % 3 == 0) backward.solve();
    }
    forward.solve();
    backward.solve();
    for (std::size_t i = 0; i < all.size(); ++i) RC_ASSERT(same(forward.level(f[i]), backward.level(b[i])));
  }));
}

TEST_CASE("levels scale with capacities") {
  CHECK(rc::check([] {
    const int links = *rc::gen::inRange(1, 10);
    const double factor = *rc::gen::inRange(1, 1000) / 7.0;
    Solver one, scaled;
    for (int l = 0; l < links; ++l) {
      const double c = *rc::gen::inRange(1, 40);
      one.add_link(c);
      scaled.add_link(c * factor);
    }
    std::vector<std::uint32_t> variables;
    const int n = *rc::gen::inRange(1, 30);
    for (int i = 0; i < n; ++i) {
      const Terms t = random_terms(links, true);
      variables.push_back(one.add_variable(t));
      RC_ASSERT(scaled.add_variable(t) == variables.back());
    }
    one.solve();
    scaled.solve();
    for (auto v : variables) RC_ASSERT(same(one.level(v) * factor, scaled.level(v)));
  }));
}
