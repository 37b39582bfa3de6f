// Lengths of prompts and answers: means by closed form, within five standard errors of 200,000 draws.
#include <doctest/doctest.h>

#include "tests/workloads/request_support.h"
#include "workloads/inference/requests/lengths.h"

using namespace weft;
using namespace weft::test;
using doctest::Approx;

namespace {

constexpr int kDraws = 200'000;

Lengths lengths(const std::string& text, double usual = 1000) {
  const Json value = parse_json(text, "test.json");
  Problems problems;
  Json resolved;
  const Lengths l = read_lengths(JsonReader(value, "test.json", problems), usual, resolved);
  problems.throw_if_any();
  return l;
}

double mean_drawn(const Lengths& l) {
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    Draws d(7, "length", static_cast<std::uint64_t>(i));
    sum += l.tokens(d);
  }
  return sum / kDraws;
}

std::string problem(const std::string& text) {
  try {
    lengths(text);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a lognormal length has its mean, and half of all are below mean / sqrt(1 + cv^2)") {
  const Lengths l = lengths(R"({"distribution": "lognormal", "mean": 4383, "cv": 1.5})");
  CHECK(l.expected() == Approx(4383));
  CHECK(near(mean_drawn(l), 4383, 1.5 * 4383, kDraws));
  int below = 0;
  for (int i = 0; i < kDraws; ++i) {
    Draws d(7, "length", static_cast<std::uint64_t>(i));
    below += l.draw(d) < 4383 / std::sqrt(1 + 1.5 * 1.5);
  }
  CHECK(near(below / double(kDraws), 0.5, 0.5, kDraws));
}

TEST_CASE("sigma of the logarithm says the same as cv = sqrt(exp(sigma^2) - 1)") {
  CHECK(lengths(R"({"sigma": 0.8325546111576977})").cv == Approx(1));   // sigma^2 = log 2
  CHECK(lengths(R"({"distribution": "lognormal"})").mean == 1000);
}

TEST_CASE("an exponential length has its mean as deviation; clipped at max it is mean (1 - exp(-max / mean))") {
  CHECK(near(mean_drawn(lengths(R"({"distribution": "exponential", "mean": 1211})")), 1211, 1211, kDraws));
  const Lengths clipped = lengths(R"({"distribution": "exponential", "mean": 1211, "max": 2000})");
  CHECK(clipped.expected() == Approx(1211 * (1 - std::exp(-2000 / 1211.0))));
  CHECK(near(mean_drawn(clipped), clipped.expected(), 1211, kDraws));
}

TEST_CASE("a clipped lognormal length has the mean that the closed form says") {
  // sigma^2 = log 2, median 1000 / sqrt 2; E min(X, m) = mean Phi(z - sigma) + m (1 - Phi(z)), z = log(m / median) / sigma. At the median z = 0.
  const double sigma = std::sqrt(std::log(2.0)), median = 1000 / std::sqrt(2.0);
  const Lengths l = lengths(R"({"mean": 1000, "cv": 1, "max": 707})");
  CHECK(l.expected() == Approx(1000 * std::erfc(sigma / std::sqrt(2.0)) / 2 + median / 2).epsilon(1e-3));   // 707 is not quite the median
  CHECK(near(mean_drawn(l), l.expected(), 300, kDraws));
}

TEST_CASE("uniform lengths are whole numbers from low to high, each as likely") {
  // Variance of n equally likely whole numbers: (n^2 - 1) / 12.
  const Lengths l = lengths(R"({"distribution": "uniform", "low": 3, "high": 12})");
  CHECK(l.expected() == 7.5);
  CHECK(near(mean_drawn(l), 7.5, std::sqrt(99.0 / 12), kDraws));
  const Lengths clipped = lengths(R"({"distribution": "uniform", "low": 3, "high": 12, "max": 5})");
  CHECK(clipped.expected() == Approx((3 + 4 + 5 * 8) / 10.0));
  CHECK(near(mean_drawn(clipped), 4.7, 1, kDraws));
}

TEST_CASE("a table gives its values as often as their weights say") {
  const Lengths l = lengths(R"({"distribution": "table", "values": [10, 100, 1000], "weights": [6, 3, 1]})");
  CHECK(l.expected() == Approx(0.6 * 10 + 0.3 * 100 + 0.1 * 1000));
  CHECK(near(mean_drawn(l), 136, 290, kDraws));
}

TEST_CASE("a number alone is constant; every length is at least one") {
  CHECK(mean_drawn(lengths("4096")) == 4096);
  const Lengths tiny = lengths(R"({"mean": 1, "cv": 3})");
  for (int i = 0; i < 1000; ++i) {
    Draws d(7, "length", static_cast<std::uint64_t>(i));
    CHECK(tiny.tokens(d) >= 1);
  }
}

TEST_CASE("wrong lengths are told at their place") {
  const auto says = [](const std::string& text, const std::string& part) {
    CAPTURE(problem(text));
    CHECK(problem(text).find(part) != std::string::npos);
  };
  says(R"({"distribution": "normal"})", "/distribution");
  says(R"({"distribution": "uniform", "low": 5, "high": 4})", "/high: expected at least `low`, 5, got 4");
  says(R"({"distribution": "table", "values": [1, 2], "weights": [1]})", "/weights: expected as many weights as values, 2, got 1");
  says(R"({"distribution": "table", "values": [1], "weights": [0]})", "/weights: all weights are zero");
  says(R"({"distribution": "table", "values": [], "weights": []})", "/values: expected lengths, got an empty list");
  says(R"({"mean": 0})", "/mean");
  says(R"({"mean": 10, "cv": 1, "sigma": 1})", "/sigma");
  says("0", "got 0");
  says("\"long\"", "expected lengths");
  says(R"({"mena": 10})", "unknown key \"mena\"");
}
