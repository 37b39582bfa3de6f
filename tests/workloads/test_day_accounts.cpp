// Accounts of a day: published checks on the shipped day, and closed forms on small ones.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "sim/core/files.h"
#include "workloads/inference/day/accounts.h"

using namespace weft;
using namespace weft::workloads::inference;
using doctest::Approx;

namespace {

ProductionDay day(const std::string& members = "{}") {
  const Json json = parse_json(members, "test.json");
  Problems problems;
  JsonReader where(json, "test.json", problems);
  ProductionDay d = read_production_day(where, DataPlaces::standard());
  problems.throw_if_any();
  return d;
}

std::string refused(const std::string& members) {
  try {
    day(members);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

/// Two cells all day; twelve hours of load 3, twelve of load 1; half of the input is cached.
const std::string kSmall = R"({"load": {"load": [3, 1]}, "input_tokens": 86400000, "cached_tokens": 43200000, "output_tokens": 8640000, "nodes": 68})";

}  // namespace

TEST_CASE("C080 to C083: the staircase's mean, the cost, the income and the margin of day 6") {
  const ProductionDay d = day();
  const DayAccounts a = accounts_of(d, kNoLimit, {});
  CHECK(a.day.node_hours() / 24 == 226.75);
  const Money m = money_of(d, a.day);
  CHECK(m.cost.value() == 87072);                       // 226.75 x 8 x 2 x 24
  CHECK(m.income.value() == Approx(562100).epsilon(1e-9));   // 342e3 x 0.14 + 266e3 x 0.55 + 168e3 x 2.19
  CHECK(std::abs(m.income.value() / 562027 - 1) < 0.0002);
  CHECK(std::abs(m.margin_pct() - 545.5) < 0.1);
}

TEST_CASE("C085: cells split the nodes, and the rates of both stages follow") {
  const DayAccounts a = accounts_of(day(), kNoLimit, {});
  CHECK(a.day.decode.node_hours / 24 == Approx(131.25));
  CHECK(a.day.prefill.node_hours / 24 == Approx(95.5));
  CHECK(a.day.decode.served / 86400 / 131.25 == Approx(14814.8).epsilon(1e-5));
  CHECK(a.day.prefill.served / 86400 / 95.5 == Approx(73686.3).epsilon(1e-5));
}

TEST_CASE("C086: income of the hours adds up to the day's, and has the digitised shape") {
  const ProductionDay d = day();
  const DayAccounts a = accounts_of(d, kNoLimit, {});
  REQUIRE(a.hours.size() == 24);
  double sum = 0;
  for (const Account& hour : a.hours) sum += money_of(d, hour).income.value();
  CHECK(sum == Approx(money_of(d, a.day).income.value()));
  CHECK(std::abs(sum / 562600 - 1) < 0.005);
  CHECK(money_of(d, a.hours[10]).income / money_of(d, a.hours[16]).income == Approx(31.03 / 6.39));
  CHECK(d.clock(a.hours[10].from_h) == "22:00");
}

TEST_CASE("C087 and C090: lengths of requests, and reads of the cache on disk") {
  const ProductionDay d = day();
  CHECK(d.lengths().prompt == Approx(4383.4).epsilon(0.001));
  CHECK(d.lengths().output == Approx(1211.2).epsilon(0.001));
  CHECK(d.lengths().requests == Approx(138.7e6).epsilon(0.001));
  const DayAccounts a = accounts_of(d, kNoLimit, {});
  const CacheTraffic t = cache_traffic(d, a.day, Bytes(70272));
  CHECK(t.read.value() == Approx(278.2e9).epsilon(0.001));
  CHECK(t.write.value() == Approx(353e9).epsilon(0.001));
}

TEST_CASE("what nights free: nodes below the most, in GPU-hours") {
  const DayAccounts a = accounts_of(day(), kNoLimit, {});
  CHECK(a.day.freed_node_hours * 8 == Approx((278 - 226.75) * 24 * 8));
}

TEST_CASE("a queue that grows in the busy half of a day is told with its hour, and empties in the other half") {
  const ProductionDay d = day(kSmall);
  // 1,000 input tokens a second in the mean: 1,500 and 500. 32 prefill nodes do 1,200: 300 too many for 43,200 s.
  const DayAccounts a = accounts_of(d, {1200.0 / 32, 1e9}, {});
  CHECK(a.first.prefill_h == 0);
  CHECK(a.first.decode_h == -1);
  CHECK(a.hours[11].prefill.backlog == Approx(300 * 43200.0));
  CHECK(a.day.prefill.longest_wait_s == Approx(300 * 43200.0 / 1200));
  CHECK(a.day.prefill.overloaded_h == Approx(12));
  CHECK(a.day.prefill.highest_load == Approx(1.25));
  // 700 a second less than can be done: empty after 18,514 s, 5.14 h.
  CHECK(a.hours[16].prefill.backlog > 0);
  CHECK(a.hours[17].prefill.backlog == 0);
  CHECK(a.day.prefill.served == Approx(86.4e6));
  CHECK(a.day.decode.served == Approx(8.64e6));
  // Decode gets a tenth of what prefill finishes: 120 a second, however fast work comes.
  CHECK(a.hours[3].decode.served == Approx(120 * 3600));
}

TEST_CASE("what never catches up is left at the end of the day") {
  // 100 output tokens a second in the mean, 36 decode nodes that do 90 together.
  const DayAccounts a = accounts_of(day(kSmall), {1e9, 90.0 / 36}, {});
  CHECK(a.first.decode_h == 0);
  CHECK(a.day.decode.backlog == Approx(a.day.decode.arrived - a.day.decode.served));
  // 150 a second for 12 h, then 50: 60 x 43,200 wait at noon, and 40 x 43,200 of them can be done in the other half.
  CHECK(a.day.decode.backlog == Approx(20 * 43200.0));
}

TEST_CASE("energy is that of idle boards, of what work adds, and of the rest of the node") {
  const ProductionDay d = day(R"({"load": {"load": [1]}, "nodes": 38, "power": {"gpu": "700 W", "idle": 0.1, "prefill": 0.85, "decode": 0.6, "rest_of_node": "2800 W"}})");
  // Always busy: 8 x (70 + 630 u) + 2,800 W.
  const DayAccounts full = accounts_of(d, kNoLimit, {});
  const double prefill_W = 8 * (70 + 630 * 0.85) + 2800, decode_W = 8 * (70 + 630 * 0.6) + 2800;
  CHECK(full.day.energy_J == Approx((20 * prefill_W + 18 * decode_W) * 86400));
  // Twice what comes: half of the time idle.
  const DayAccounts half = accounts_of(d, {2 * d.mean_rates().input / 20, 2 * d.mean_rates().output / 18}, {});
  const double prefill_half_W = 8 * (70 + 630 * 0.85 / 2) + 2800, decode_half_W = 8 * (70 + 630 * 0.6 / 2) + 2800;
  CHECK(half.day.energy_J == Approx((20 * prefill_half_W + 18 * decode_half_W) * 86400));
}

TEST_CASE("days that cannot be are refused with their place") {
  const auto says = [](const std::string& members, const std::string& part) {
    const std::string text = refused(members);
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(R"({"gpu_price": "-2 USD"})", "/gpu_price: expected a non-negative value");
  says(R"({"gpu_price": 2})", "/gpu_price: expected a price like");
  says(R"({"token_prices": {"cached": "0.14 USD", "input": "-0.55 USD", "output": "2.19 USD"}})", "/token_prices/input: expected a non-negative value");
  says(R"({"token_prices": {"cached": "0.14 USD", "input": "0.55 USD"}})", "/token_prices/output: this key is due");
  says(R"({"nodes": 0})", "/nodes: expected a number from 1");
  says(R"({"nodes": 100})", "/nodes: 100 nodes are no whole number of cells (8 + 30 k nodes, k = 1, 2, ...: 98 or 128)");
  says(R"({"nodes": "fellow"})", "/nodes: expected \"follow\", a number or steps, got \"fellow\"");
  says(R"({"nodes": {"edges_h": [0, 14, 13, 24], "values": [278, 218, 68]}})", "/nodes/edges_h/2: edges rise, but 13 follows 14");
  says(R"({"nodes": {"edges_h": [0, 12], "values": [278]}})", "/nodes/edges_h: a day goes from 0 to 24 hours");
  says(R"({"requests": "deepseek_dai"})", "/requests: unknown name \"deepseek_dai\" (did you mean \"deepseek_day\"?");
  says(R"({"load": "deepseek_day"})", "/load: expected a load, {");
  says(R"({"requests": {"extends": "deepseek_day", "curve": {"period": "12 h", "first": "0 h", "rates": {"value": [1, 2], "origin": "assumed", "source": "a test"}}}})", "/requests: the curve of deepseek_day, changed has a period of");
  says(R"({"load": {"load": [0, 0]}})", "/load/load: is zero all day");
  says(R"({"load": {"load": [1, -2]}})", "/load/load/1: expected a number from 0");
  says(R"({"load": {"edges_h": [0, 20], "load": [1]}})", "/load/edges_h: a day goes from 0 to 24 hours");
  says(R"({"cached_tokens": 700e9})", "/cached_tokens: 7e+11 cached tokens are more than the 6.08e+11 that came in");
  says(R"({"output_tokens": 0})", "/output_tokens: expected a number from 1");
  says(R"({"mean_kv": -4989})", "/mean_kv: expected a number from 1");
  says(R"({"gpus_per_node": 0})", "/gpus_per_node: expected a whole number from 1");
  says(R"({"day": "deepseek_day5"})", "/day: unknown name \"deepseek_day5\"");
  says(R"({"cell": {"prefill_unit": 4.5, "decode_unit": 18, "prefill_units": 3, "decode_units": 1, "fixed_prefill_units": 2}})", "/cell/prefill_unit: expected a whole number, got 4.5");
  says(R"({"power": {"gpu": "700 W", "idle": 1.5, "prefill": 0.85, "decode": 0.6, "rest_of_node": "2800 W"}})", "/power/idle: expected a number from 0 to 1");
}

TEST_CASE("a day may extend another, and a workload's keys come before those of its day") {
  CHECK(day(R"({"day": {"extends": "deepseek_day6", "gpu_price": "3 USD"}})").gpu_price.value.value() == 3);
  CHECK(day(R"({"day": {"extends": "deepseek_day6", "gpu_price": "3 USD"}, "gpu_price": "4 USD"})").gpu_price.value.value() == 4);
  CHECK_FALSE(day(R"({"nodes": "follow"})").nodes);
  const ProductionDay uneven = day(R"({"load": {"first_hour": 6, "edges_h": [0, 18, 24], "load": [1, 4]}})");
  CHECK(uneven.load.value.mean() == Approx(1.75));
  CHECK(uneven.clock(18.5) == "00:30");
}

TEST_CASE("a smooth load goes through the middles of its hours in quarters of an hour, and the day's tokens stay") {
  const ProductionDay smooth = day(R"({"smooth": true})");
  REQUIRE(smooth.load.value.levels.size() == 96);
  // From 13.15 in the hour of 02:00 to 8.00 in that of 03:00: from 02:30 on a quarter of an hour loses a quarter of the difference.
  const double mean = day().load.value.mean(), slope = (8.0 - 13.15) / 4;
  CHECK(smooth.clock(14.5) == "02:30");
  CHECK(smooth.load.value.at(14.5) * mean / 1000 == Approx(13.15 + slope / 2));
  CHECK(smooth.load.value.at(15.25) * mean / 1000 == Approx(8.0 - slope / 2));
  CHECK(accounts_of(smooth, kNoLimit, {}).day.decode.served == Approx(168e9));
  CHECK(refused(R"({"smooth": true, "load": {"load": [1]}})").find("/smooth: smooths the curve of a day of requests") != std::string::npos);
}

TEST_CASE("where its numbers come from goes into the result") {
  bool published = false, assumed = false;
  for (const ConstantUsed& c : constants_of(day())) {
    published = published || (c.name == "day deepseek_day6: input_tokens" && c.value == "608000000000" && c.origin == Origin::published);
    assumed = assumed || (c.name == "day deepseek_day6: power of the rest of a node" && c.origin == Origin::assumed);
  }
  CHECK(published);
  CHECK(assumed);
}
