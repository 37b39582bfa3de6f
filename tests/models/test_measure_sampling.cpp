// When a median counts as stable.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "models/calibration/measure/sampling.h"

using namespace weft::models;

namespace {

/// `count` times that go through `low` to `high` evenly, in an order that mixes them.
std::vector<double> spread(int count, double low, double high) {
  std::vector<double> v;
  for (int i = 0; i < count; ++i) v.push_back(low + (high - low) * ((i * 37) % count) / (count - 1));
  return v;
}

}  // namespace

TEST_CASE("quantiles lie between samples linearly") {
  const std::vector<double> v = {1, 2, 4};
  CHECK(quantile(v, 0) == 1);
  CHECK(quantile(v, 0.5) == 2);
  CHECK(quantile(v, 0.75) == 3);
  CHECK(quantile(v, 1) == 4);
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
