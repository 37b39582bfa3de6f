// When a median counts as stable.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "models/calibration/measure/sampling.h"
#include "models/normal.h"

using namespace weft::models;

namespace {

/// `count` times that go through `low` to `high` evenly, in an order that mixes them.
std::vector<double> spread(int count, double low, double high) {
  std::vector<double> v;
  for (int i = 0; i < count; ++i) v.push_back(low + (high - low) * ((i * 37) % count) / (count - 1));
  return v;
}

}  // namespace

TEST_CASE("normal draws have mean 0, deviation 1 and no skew, and are a function of their stream") {
  weft::Draws draws(1, "a test"), again(1, "a test");
  const int n = 100000;
  double sum = 0, squares = 0, cubes = 0;
  int within = 0;
  bool same = true;
  for (int i = 0; i < n; ++i) {
    const double z = normal(draws);
    same = same && z == normal(again);
    sum += z;
    squares += z * z;
    cubes += z * z * z;
    within += std::abs(z) < 1;
  }
  // Standard errors: 1, sqrt 2, sqrt 15 and sqrt(0.6827 x 0.3173), each over sqrt n = 316; four of them are allowed.
  CHECK(same);
  CHECK(std::abs(sum / n) < 0.013);
  CHECK(std::abs(squares / n - 1) < 0.018);
  CHECK(std::abs(cubes / n) < 0.049);
  CHECK(std::abs(static_cast<double>(within) / n - 0.6827) < 0.006);
}

TEST_CASE("equal times are stable as soon as there are enough") {
  const SamplingRule rule;
  CHECK_FALSE(median_is_stable(std::vector<double>(static_cast<std::size_t>(rule.least) - 1, 5.0), rule));
  CHECK(median_is_stable(std::vector<double>(static_cast<std::size_t>(rule.least), 5.0), rule));
}

TEST_CASE("the interval of the median decides: 2 x 0.98 sqrt(n) ranks of the samples") {
  // Uniform over +-s around 100: the interval has 1.96 sqrt(n) of n ranks, so it is 1.96 / sqrt(n) x 2 s wide. n = 100: 0.392 s.
  SamplingRule rule;
  rule.width = 0.02;                                            // 2 of 100
  CHECK(median_is_stable(spread(100, 96, 104), rule));          // s = 4: 1.6
  CHECK_FALSE(median_is_stable(spread(100, 92, 108), rule));    // s = 8: 3.1
  CHECK(median_is_stable(spread(401, 92, 108), rule));          // the same with four times the samples: 1.6
}

TEST_CASE("a drift is not stable, however narrow each half is") {
  std::vector<double> v(50, 100.0);
  v.insert(v.end(), 50, 103.0);
  SamplingRule rule;
  rule.width = 0.02;
  CHECK_FALSE(median_is_stable(v, rule));
  rule.width = 0.05;
  CHECK(median_is_stable(v, rule));
}

TEST_CASE("warm-up runs are thrown away") {
  int run = 0;
  SamplingRule rule;
  const Sampled s = sample([&](int n, std::vector<double>& into) { for (; n > 0; --n) into.push_back(++run <= rule.warm_up ? 1000.0 : 100.0); }, rule);
  CHECK(s.stable);
  CHECK(s.median_us == 100);
  CHECK(s.p95_us == 100);
}

TEST_CASE("what never becomes stable ends at the cap and says so") {
  int run = 0;
  SamplingRule rule;
  rule.most = 130;
  const Sampled s = sample([&](int n, std::vector<double>& into) { for (; n > 0; --n) into.push_back(++run % 2 == 0 ? 50.0 : 150.0); }, rule);
  CHECK_FALSE(s.stable);
  CHECK(s.times_us.size() == 130);
  CHECK(s.p5_us == 50);
  CHECK(s.p95_us == 150);
}

TEST_CASE("slow kernels are capped by their time") {
  SamplingRule rule;
  rule.most_us = 3e6;
  const Sampled s = sample([&](int n, std::vector<double>& into) { for (; n > 0; --n) into.push_back(1e6); }, rule);
  CHECK(s.times_us.size() == 3);
  CHECK_FALSE(s.stable);
  CHECK(s.median_us == 1e6);
}

TEST_CASE("outliers do not move the median") {
  int run = 0;
  const Sampled s = sample([&](int n, std::vector<double>& into) { for (; n > 0; --n) into.push_back(++run % 20 == 0 ? 900.0 : 100.0); }, SamplingRule{});
  CHECK(s.stable);
  CHECK(s.median_us == 100);
}
