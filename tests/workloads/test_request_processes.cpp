// Seeded processes: rates and lengths by closed form within five standard errors, and draws that depend on nothing but seed, name and number.
#include <doctest/doctest.h>

#include "tests/workloads/request_support.h"
#include "workloads/inference/requests/load.h"
#include "workloads/inference/requests/rate_curve.h"

using namespace weft;
using namespace weft::test;
using doctest::Approx;

namespace {

bool same(const Request& a, const Request& b) { return a.arrival == b.arrival && a.prompt == b.prompt && a.output == b.output && a.cached == b.cached; }

bool begins_with(const std::vector<Request>& longer, const std::vector<Request>& shorter) {
  if (shorter.size() > longer.size()) return false;
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    if (!same(longer[i], shorter[i])) return false;
  }
  return true;
}

std::vector<double> gaps_of(const std::vector<Request>& all) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < all.size(); ++i) gaps.push_back((all[i].arrival - all[i - 1].arrival).value());
  return gaps;
}

/// The published bars of DeepSeek's day from 12:00 on, thousands of dollars an hour.
const std::vector<double> kBars = {27.02, 28.51, 30.46, 30.91, 30.46, 27.82, 26.79, 29.54, 30.68, 30.8, 31.03, 29.77,
                                   21.75, 17.97, 13.15, 8.0, 6.39, 6.39, 8.0, 13.73, 23.12, 29.42, 30.46, 29.88};

double sum_of_bars() {
  double sum = 0;
  for (const double b : kBars) sum += b;
  return sum;
}

struct Moments {
  double mean = 0, variance = 0;
};

Moments moments_of(const std::vector<double>& v) {
  Moments m;
  for (const double x : v) m.mean += x / static_cast<double>(v.size());
  for (const double x : v) m.variance += (x - m.mean) * (x - m.mean) / static_cast<double>(v.size() - 1);
  return m;
}

}  // namespace

TEST_CASE("poisson: the number in a time and the gaps are those of a Poisson process") {
  // 200,000 in the mean: deviation sqrt(200,000). Gaps are exponential: variance the square of the mean, kurtosis 9, so the variance of n
  // gaps has a relative deviation of sqrt(8 / n).
  const auto all = requests_of(R"("process": "poisson", "count": 200000, "duration": "1 h", "prompt": 10, "output": 10)");
  CHECK(std::abs(static_cast<double>(all.size()) - 200000) < 5 * std::sqrt(200000.0));
  CHECK(all.back().arrival.value() <= 3600);
  const double n = static_cast<double>(all.size()), mean = 3600.0 / 200000;
  const Moments m = moments_of(gaps_of(all));
  CHECK(near(m.mean, mean, mean, n));
  CHECK(near(m.variance / (mean * mean), 1, std::sqrt(8.0), n));
  // Numbers in 3,600 seconds are independent with mean and variance 55.6: their dispersion is chi-squared over its 3,600 degrees of freedom.
  std::vector<double> counts(3600);
  for (const Request& r : all) ++counts[std::min<std::size_t>(3599, static_cast<std::size_t>(r.arrival.value()))];
  const Moments c = moments_of(counts);
  CHECK(near(c.variance / c.mean, 1, std::sqrt(2.0), 3600));
}

TEST_CASE("bursts: gaps have the given deviation over their mean") {
  // Gamma with shape k = 1 / cv^2 has kurtosis 3 + 6 / k: the variance of n gaps has a relative deviation of sqrt((2 + 6 cv^2) / n).
  for (const double cv : {0.5, 3.0}) {
    const auto all = requests_of(R"("process": "bursts", "count": 200000, "duration": "1 h", "prompt": 10, "output": 10, "cv": )" + std::to_string(cv));
    const double n = static_cast<double>(all.size()), mean = 3600.0 / 200000;
    const Moments m = moments_of(gaps_of(all));
    CAPTURE(cv);
    CHECK(near(m.mean, mean, cv * mean, n));
    CHECK(near(m.variance / (cv * cv * mean * mean), 1, std::sqrt(2 + 6 * cv * cv), n));
  }
}

TEST_CASE("bursts: `count` is the mean number, also where gaps are much longer than their mean") {
  // Of a renewal process whose time zero lies anywhere, the variance of the number in a time of n mean gaps is at most cv^2 n.
  const double n = 200, cv = 10, seeds = 2000;
  const auto source = source_of(R"("process": "bursts", "count": 200, "duration": "100 s", "prompt": 10, "output": 10, "cv": 10)");
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) sum += static_cast<double>(all_of(*source->open(seed)).size());
  CHECK(near(sum / seeds, n, cv * std::sqrt(n), seeds));   // begun with a whole gap it would be (cv^2 - 1) / 2 = 49.5 more
}

TEST_CASE("uniform: exactly so many, evenly spaced from time zero on") {
  const auto all = requests_of(R"("process": "uniform", "count": 7, "duration": "3.5 s")");
  REQUIRE(all.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) CHECK(all[i].arrival.value() == Approx(0.5 * static_cast<double>(i)));
}

TEST_CASE("a curve's integral is that of its steps, and of straight lines between the middles of its parts") {
  const RateCurve step({1, 3, 2, 2}, false, Seconds(40), Seconds(5));
  CHECK(step.amount(15) - step.amount(5) == Approx(10 * 1 / 2.0));   // the mean is 2
  CHECK(step.amount(20) - step.amount(15) == Approx(5 * 3 / 2.0));
  CHECK(step.amount(45) - step.amount(5) == Approx(40));
  CHECK(step.peak() == Approx(1.5));
  // Over part j a line through the middles gives 3/4 of its own rate and 1/8 of each neighbour's.
  const RateCurve linear({1, 3, 2, 2}, true, Seconds(40), Seconds(0));
  CHECK(linear.amount(20) - linear.amount(10) == Approx(10 * (0.75 * 3 + (1 + 2) / 8.0) / 2));
  CHECK(linear.amount(40) == Approx(40));
  for (const RateCurve& c : {step, linear, RateCurve()}) {
    for (double t = -100; t < 100; t += 0.7) CHECK(c.time_of(c.amount(t)) == Approx(t).epsilon(1e-9));
  }
}

TEST_CASE("a curve may be zero: nothing comes then") {
  const auto all = requests_of(R"("process": "diurnal", "count": 1000, "curve": {"rates": [1, 0, 0, 3], "period": "4 h"}, "prompt": 1, "output": 1)");
  CHECK(std::abs(static_cast<double>(all.size()) - 1000) < 5 * std::sqrt(1000.0));
  double first = 0;
  for (const Request& r : all) {
    CHECK((r.arrival.value() <= 3600 || r.arrival.value() >= 3 * 3600));
    first += r.arrival.value() <= 3600;
  }
  CHECK(std::abs(first - 250) < 5 * std::sqrt(250.0));
}

TEST_CASE("diurnal: every hour of DeepSeek's day gets its part of the requests") {
  const auto source = source_of(R"("process": "diurnal", "count": 240000)");
  auto stream = source->open(1);
  const RequestLoad load = load_of(*stream, Seconds(3600), Seconds(60));
  REQUIRE(load.intervals.size() == 24);
  for (std::size_t h = 0; h < 24; ++h) {
    const double due = 240000 * kBars[h] / sum_of_bars();
    CAPTURE(h);
    CHECK(std::abs(static_cast<double>(load.intervals[h].requests) - due) < 5 * std::sqrt(due));
  }
  CHECK(*source->summary().requests == Approx(240000));
  CHECK(*source->summary().peak_per_second == Approx(240000 * 31.03 / sum_of_bars() / 3600));
}

TEST_CASE("diurnal: an hour of it has `count` requests, or its part of `count` a day") {
  const std::string hour = R"("process": "diurnal", "from": "4 h", "duration": "1 h", "count": )";
  CHECK(*source_of(hour + "1000")->summary().requests == Approx(1000));
  CHECK(*source_of(hour + R"(138700000, "per": "24 h")")->summary().requests == Approx(138700000 * 6.39 / sum_of_bars()));
  const auto all = requests_of(hour + R"(138700000, "per": "24 h", "limit": 100)");
  CHECK(all.size() == 100);
  CHECK(all.back().arrival.value() < 1);
}

TEST_CASE("the lengths of DeepSeek's day are those of C087, its hits 342 of 608, and it has 138.7 million requests") {
  // P + D / 2 = 4989 and P / D = 608 / 168.
  const auto source = source_of(R"("process": "poisson", "count": 100, "duration": "1 h")");
  const RequestSummary s = source->summary();
  CHECK(*s.prompt == Approx(4383.4).epsilon(1e-3));
  CHECK(*s.output == Approx(1211.2).epsilon(1e-3));
  CHECK(*s.prompt + *s.output / 2 == Approx(4989).epsilon(1e-9));
  CHECK(*s.hit == Approx(0.5625));
  CHECK(608e9 / *s.prompt == Approx(138.7e6).epsilon(1e-3));
  bool published = false;
  for (const ConstantUsed& c : source->constants()) published = published || (c.name == "day deepseek_day: kv_per_output_token" && c.value == "4989" && c.origin == Origin::published);
  CHECK(published);
}

TEST_CASE("lengths of constant prompts and answers give the published mean of the cache, 4989 tokens; spread answers more") {
  const auto source = source_of(R"("process": "poisson", "count": 20000, "duration": "1 h", "prompt": 4383, "output": 1211)");
  auto stream = source->open(1);
  const RequestLoad load = load_of(*stream, Seconds(3600), Seconds(60));
  CHECK(load.mean_kv() == Approx(4989).epsilon(1e-3));
  CHECK(load.hit() == Approx(0.5625).epsilon(1e-3));   // 2465 of 4383
  CHECK(load.prompt.quantile(0.5) == 4383);
}

TEST_CASE("the same seed gives the same requests, another seed others, and a longer run begins with the shorter one") {
  const std::string same_rate[] = {R"("count": 1000, "duration": "100 s")", R"("count": 3000, "duration": "300 s")"};
  for (const std::string kind : {R"("process": "poisson")", R"("process": "bursts", "cv": 2)", R"("process": "poisson", "cache": "sessions")",
                                 R"("process": "poisson", "cache": {"model": "sessions", "capacity_tokens": 1000000})"}) {
    CAPTURE(kind);
    const auto once = requests_of(kind + ", " + same_rate[0], 5), again = requests_of(kind + ", " + same_rate[0], 5);
    CHECK(once.size() == again.size());
    CHECK(begins_with(again, once));
    CHECK(begins_with(requests_of(kind + ", " + same_rate[1], 5), once));
    CHECK_FALSE(begins_with(requests_of(kind + ", " + same_rate[1], 6), once));
    const auto limited = requests_of(kind + R"(, "limit": 10, )" + same_rate[0], 5);
    CHECK(limited.size() == 10);
    CHECK(begins_with(once, limited));
  }
}

TEST_CASE("a draw depends on nothing but its name and number: prompts change neither arrivals nor answers") {
  const auto a = requests_of(R"("process": "poisson", "count": 1000, "duration": "100 s")");
  const auto b = requests_of(R"("process": "poisson", "count": 1000, "duration": "100 s", "prompt": 5)");
  const auto fast = requests_of(R"("process": "poisson", "count": 2000, "duration": "100 s")");
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].arrival == b[i].arrival);
    CHECK(a[i].output == b[i].output);
    CHECK(fast[i].prompt == a[i].prompt);
    CHECK(fast[i].arrival.value() == Approx(a[i].arrival.value() / 2));
  }
}

TEST_CASE("sessions: prompts have the mean and the hits that were asked for") {
  // A request's own text has the mean P (1 - h), and h P / (P + D) of the requests go on with an earlier one; then E[P] = own + q (E[P] + D) = P.
  // With blocks of one token what is not cached is a request's own text: cv 1, mean P (1 - h).
  const double P = 4000, D = 1000, h = 0.6, q = h * P / (P + D), own = P * (1 - h);
  const auto all = requests_of(R"("process": "poisson", "count": 200000, "duration": "1 h", "prompt": {"mean": 4000}, "output": {"mean": 1000, "cv": 0.5},
                                  "cache": {"model": "sessions", "hit": 0.6, "block": 1, "turn_gap": "20 s"})");
  const double n = static_cast<double>(all.size());
  CHECK(near(mean_of(all, [](const Request& r) { return r.prompt - r.cached; }), own, own, n));
  CHECK(near(mean_of(all, [](const Request& r) { return r.cached > 0; }), q, std::sqrt(q * (1 - q)), n));
  CHECK(near(mean_of(all, [](const Request& r) { return r.output; }), D, 0.5 * D, n));
  // Text and answer of a request stand in all T - 1 that follow from it; T is the progeny of a branching process with Poisson(q) children:
  // mean 1 / (1 - q), variance q / (1 - q)^3. Variance of own T + D (T - 1): E[T^2] own^2 + E[(T-1)^2] (D / 2)^2 + (own + D)^2 Var T.
  const double t = 1 / (1 - q), var = q / std::pow(1 - q, 3);
  const double deviation = std::sqrt((var + t * t) * own * own + (var + (t - 1) * (t - 1)) * D * D / 4 + (own + D) * (own + D) * var);
  CHECK(near(mean_of(all, [](const Request& r) { return r.prompt; }), P, deviation, n));
  CHECK(near(mean_of(all, [](const Request& r) { return r.cached; }), h * P, deviation, n));
  for (const Request& r : all) CHECK(r.cached < r.prompt);
}

TEST_CASE("sessions: whole blocks hit, a cache of no size never, one that holds all as an endless one does but for what came before") {
  const std::string base = R"("process": "poisson", "count": 20000, "duration": "1000 s", "prompt": {"mean": 4000}, "cache": {"model": "sessions", "turn_gap": "5 s")";
  const auto endless = requests_of(base + R"(, "block": 64})"), large = requests_of(base + R"(, "block": 64, "capacity": "1 PB"})");
  const auto none = requests_of(base + R"(, "capacity_tokens": 1})"), some = requests_of(base + R"(, "block": 64, "capacity_tokens": 300000})");
  std::size_t differ = 0;
  for (std::size_t i = 0; i < endless.size(); ++i) {
    CHECK(none[i].cached == 0);
    CHECK((endless[i].cached % 64 == 0 || endless[i].cached == endless[i].prompt - 1));
    CHECK(some[i].cached <= large[i].cached);
    CHECK(large[i].cached <= endless[i].cached);
    differ += large[i].cached != endless[i].cached && endless[i].arrival.value() > 500;   // a hundred mean gaps after the start
  }
  CHECK(differ == 0);
  const auto mean = [](const std::vector<Request>& all) { return mean_of(all, [](const Request& r) { return r.cached; }); };
  CHECK(mean(some) > 0);
  CHECK(mean(some) < 0.9 * mean(large));
}

TEST_CASE("what is too long for the context is cut, dropped or refused") {
  const std::string base = R"("process": "poisson", "count": 1000, "duration": "1 h", "prompt": {"distribution": "table", "values": [10, 90, 300], "weights": [1, 1, 1]}, "output": 50)";
  const auto cut = source_of(base, 100);
  auto stream = cut->open(1);
  std::size_t shorter = 0, longest = 0;
  for (Request r; stream->next(r);) {
    CHECK(r.prompt + r.output <= 100);
    CHECK(r.cached < r.prompt);
    shorter += r.prompt == 90 && r.output == 10;
    longest += r.prompt == 99 && r.output == 1;
  }
  REQUIRE(stream->warnings().size() == 1);
  CHECK(stream->warnings()[0] == std::to_string(shorter + longest) + " requests were longer than 100 tokens and cut to that");
  CHECK(longest > 0);
  const auto dropped = requests_of(base + R"(, "too_long": "drop", "max_context": 100)");
  for (const Request& r : dropped) CHECK(r.prompt == 10);
  CHECK(problem_of(base + R"(, "too_long": "refuse")", 100).find("the context has 100 (beside the trace or process \"too_long\": \"cut\" or \"drop\" goes on without)") != std::string::npos);
}

TEST_CASE("what a source came to asks for the same requests again") {
  for (const std::string keys : {R"("process": "poisson", "count": 100, "duration": "1 min")", R"("process": "bursts", "cv": 4, "count": 100, "duration": "1 min", "cache": "none")",
                                 R"("process": "uniform", "count": 100, "duration": "1 min", "prompt": {"distribution": "uniform", "low": 1, "high": 9}, "limit": 50)",
                                 R"("process": "diurnal", "count": 100, "shape": "linear", "cache": {"model": "sessions", "capacity": "1 TB"})",
                                 R"("process": "diurnal", "count": 100, "per": "48 h", "cv": 2, "curve": {"rates": [1, 2]}, "output": {"distribution": "table", "values": [4], "weights": [2]})"}) {
    const auto source = source_of(keys, 4096);
    std::string text = dump_json(source->resolved());
    CAPTURE(text);
    CHECK(begins_with(requests_of(text.substr(1, text.size() - 2), 3), all_of(*source->open(3))));
    CHECK(dump_json(source_of(text.substr(1, text.size() - 2))->resolved()) == text);
  }
}

TEST_CASE("wrong processes are told at their place") {
  const auto says = [](const std::string& keys, const std::string& part) {
    const std::string text = problem_of(keys);
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says("", "expected a `process` (poisson, bursts, diurnal, uniform) or a `trace`");
  says(R"("process": "poisson", "trace": "x")", "both a process and a trace");
  says(R"("process": "poison", "count": 1, "duration": "1 s")", "/process");
  says(R"("process": "poisson", "count": 0, "duration": "1 s")", "/count");
  says(R"("process": "poisson", "count": 5)", "/duration");
  says(R"("process": "poisson", "count": 5, "duration": 3)", "/duration: expected");
  says(R"("process": "poisson", "count": 5, "duration": "1 s", "cv": 2)", "unknown key \"cv\"");
  says(R"("process": "bursts", "count": 5, "duration": "1 s")", "/cv");
  says(R"("process": "diurnal", "count": 5, "curve": "deepseek_dya")", "deepseek_day");
  says(R"("process": "diurnal", "count": 5, "curve": {"rates": [0, 0]})", "/curve/rates: expected rates, of which one at least is above zero");
  says(R"("process": "diurnal", "count": 5, "curve": {"rates": [0, 1], "period": "2 h"}, "duration": "1 h")", "/duration: the curve is zero all that time");
  says(R"("process": "poisson", "count": 5, "duration": "1 s", "cache": "block")", "/cache");
  says(R"("process": "poisson", "count": 5, "duration": "1 s", "cache": {"hit": 1.5})", "/cache/hit");
  says(R"("process": "poisson", "count": 5, "duration": "1 s", "cache": {"model": "sessions", "capacity": "1 GB", "capacity_tokens": 5})", "/cache/capacity_tokens");
  says(R"("process": "poisson", "count": 5, "duration": "1 s", "cache": {"model": "all_alike", "block": 5})", "/cache/block: unknown key");
  says(R"("process": "poisson", "count": 5, "duration": "1 s", "too_long": "cutt")", "/too_long");
}
