// The solver alone, as equations: capacities, coefficients, levels.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "sim/engine/fluid/solver.h"

using weft::engine::Solver;
using Terms = std::vector<Solver::Term>;

TEST_CASE("two flows on one link get half each") {
  // x + y = 10, both bound to the link: x = y = 5
  Solver s;
  const auto l = s.add_link(10);
  const auto x = s.add_variable(Terms{{l, 1}});
  const auto y = s.add_variable(Terms{{l, 1}});
  CHECK(s.solve().size() == 2);
  CHECK(s.level(x) == 5);
  CHECK(s.level(y) == 5);
}

TEST_CASE("N7.06: on a parking lot of three links the long flow gets half and each short flow half") {
  // long + short_i = 1 on each link i; all links saturate at level 1/2
  Solver s;
  std::vector<std::uint32_t> links, shorts;
  Terms all;
  for (int i = 0; i < 3; ++i) {
    links.push_back(s.add_link(1));
    all.push_back({links.back(), 1});
  }
  const auto longest = s.add_variable(all);
  for (auto l : links) shorts.push_back(s.add_variable(Terms{{l, 1}}));
  s.solve();
  CHECK(std::abs(s.level(longest) - 0.5) <= 1e-9);
  for (auto v : shorts) CHECK(std::abs(s.level(v) - 0.5) <= 1e-9);
}

TEST_CASE("a flow that leaves gives its share to those it met, and to nobody else") {
  // A = 10: x + y = 10; B = 8: z = 8 alone. When x leaves, y = 10 and z is not even looked at.
  Solver s;
  const auto a = s.add_link(10), b = s.add_link(8);
  const auto x = s.add_variable(Terms{{a, 1}});
  const auto y = s.add_variable(Terms{{a, 1}});
  const auto z = s.add_variable(Terms{{b, 1}});
  s.solve();
  s.remove_variable(x);
  const auto changed = s.solve();
  REQUIRE(changed.size() == 1);
  CHECK(changed[0] == y);
  CHECK(s.level(y) == 10);
  CHECK(s.level(z) == 8);
}

TEST_CASE("what one flow gives up reaches flows that it never met") {
  // X = 10: a, b.  Y = 12: b, c.  a = b = 5, c = 7. A third flow d on X: a = b = d = 10/3, so c = 12 - 10/3 = 26/3.
  Solver s;
  const auto x = s.add_link(10), y = s.add_link(12);
  const auto a = s.add_variable(Terms{{x, 1}});
  const auto b = s.add_variable(Terms{{x, 1}, {y, 1}});
  const auto c = s.add_variable(Terms{{y, 1}});
  s.solve();
  CHECK(s.level(c) == doctest::Approx(7).epsilon(1e-14));
  const auto d = s.add_variable(Terms{{x, 1}});
  s.solve();
  for (auto v : {a, b, d}) CHECK(s.level(v) == doctest::Approx(10.0 / 3).epsilon(1e-14));
  CHECK(s.level(c) == doctest::Approx(26.0 / 3).epsilon(1e-14));
  CHECK(s.bottleneck(c) == y);
  s.remove_variable(d);
  s.solve();
  CHECK(s.level(a) == doctest::Approx(5).epsilon(1e-14));
  CHECK(s.level(c) == doctest::Approx(7).epsilon(1e-14));
}

TEST_CASE("a flow that starts on two links at once overloads neither") {
  // Links X = Y = 100; flow 0 on Y runs; flow 1 on X and flow 2 on X and Y start at one instant. SimGrid 3.32's selective
  // update leaves Y at 150 here (engines.md, section 4). Max-min: 50 each, both links exactly full.
  Solver s;
  const auto x = s.add_link(100), y = s.add_link(100);
  const auto f0 = s.add_variable(Terms{{y, 1}});
  s.solve();
  CHECK(s.level(f0) == 100);
  const auto f1 = s.add_variable(Terms{{x, 1}});
  const auto f2 = s.add_variable(Terms{{x, 1}, {y, 1}});
  s.solve();
  for (auto v : {f0, f1, f2}) CHECK(s.level(v) == doctest::Approx(50).epsilon(1e-14));
  CHECK(s.load(x) == doctest::Approx(100).epsilon(1e-14));
  CHECK(s.load(y) == doctest::Approx(100).epsilon(1e-14));
}

TEST_CASE("coefficients say how much of a link a level takes") {
  // 2 x + y = 9 at one level: x = y = 3; a flow that sprays over 4 links of 1 puts a quarter on each: level 4
  Solver s;
  const auto l = s.add_link(9);
  const auto x = s.add_variable(Terms{{l, 2}});
  const auto y = s.add_variable(Terms{{l, 1}});
  Terms spray;
  for (int i = 0; i < 4; ++i) spray.push_back({s.add_link(1), 0.25});
  const auto z = s.add_variable(spray);
  s.solve();
  CHECK(s.level(x) == 3);
  CHECK(s.level(y) == 3);
  CHECK(s.level(z) == 4);
}

TEST_CASE("a capacity that changes moves the flows bound to it, down and up again") {
  // x + y = C on A, x alone on B = 4: C = 10 gives x = 4, y = 6; C = 6 gives 3, 3; C = 20 gives 4, 16
  Solver s;
  const auto a = s.add_link(10), b = s.add_link(4);
  const auto x = s.add_variable(Terms{{a, 1}, {b, 1}});
  const auto y = s.add_variable(Terms{{a, 1}});
  const auto expect = [&](double c, double vx, double vy) {
    s.set_capacity(a, c);
    s.solve();
    CHECK(s.level(x) == doctest::Approx(vx).epsilon(1e-14));
    CHECK(s.level(y) == doctest::Approx(vy).epsilon(1e-14));
  };
  expect(10, 4, 6);
  expect(6, 3, 3);
  expect(20, 4, 16);
  expect(0, 0, 0);
  expect(10, 4, 6);
}

TEST_CASE("a link without capacity stops its flows and no others") {
  Solver s;
  const auto a = s.add_link(0), b = s.add_link(6);
  const auto x = s.add_variable(Terms{{a, 1}, {b, 1}});
  const auto y = s.add_variable(Terms{{b, 1}});
  s.solve();
  CHECK(s.level(x) == 0);
  CHECK(s.level(y) == 6);
}
