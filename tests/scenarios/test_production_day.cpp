// production_day: the published day and its checks through a scenario, queues, cells that follow the load, and bad input.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "scenarios/studies/validate.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "h800", "nodes": 2, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& keys = "") { return test::minimal(kCluster, R"({"kind": "production_day")" + (keys.empty() ? "" : ", " + keys) + "}"); }

double of(const reports::Report& r, const std::string& hour, const std::string& column) { return cell_of(r, "t/production_day[hour=" + hour + "]/" + column); }

/// One node of eight GPUs, each a group: a step of 20 ms and 0.5 ms a request, room for 100 requests.
const std::string kDecode = R"("decode": {"times": {"base": "20 ms", "per_request": "0.5 ms"}, "nodes": 1, "groups": 8, "kv_tokens": 498900, "drafts": 1})";
/// A pass of 16,384 tokens takes 1.6384 s.
const std::string kPrefill = R"("prefill": {"times": {"per_token": "100 us"}, "nodes": 1, "groups": 8, "kv_tokens": 1000000})";

/// The published checks; skips the test where they are not at hand.
std::map<std::string, Json> checks() {
  const char* folder = std::getenv("WEFT_REFERENCE");
  const std::filesystem::path file = std::filesystem::path(folder == nullptr ? "" : folder) / "spec" / "compute_checks.json";
  if (!std::filesystem::exists(file)) std::exit(77);
  std::map<std::string, Json> all;
  for (const Json& record : read_json_file(file.string())) all[record["id"].get<std::string>()] = record;
  return all;
}

void meets(const Json& check, const Json& expected, double got) {
  const double value = expected.get<double>(), tolerance = check["tolerance"].get<double>();
  const std::string kind = check["tol_kind"].get<std::string>();
  CAPTURE(check["id"].get<std::string>());
  CAPTURE(got);
  CHECK(std::abs(got - value) <= (kind == "reltol" ? tolerance * value : tolerance));
}

}  // namespace

TEST_CASE("production_day meets C080 to C090 on the published day") {
  auto c = checks();
  const auto r = test::run(asking());
  const auto day = [&](const char* column) { return of(r, "day", column); };
  meets(c["C080"], c["C080"]["expected"], day("nodes"));
  meets(c["C081"], c["C081"]["expected"], day("cost_USD"));
  meets(c["C082"], c["C082"]["expected"], day("income_USD"));
  meets(c["C083"], c["C083"]["expected"], day("margin_pct"));
  meets(c["C084"], c["C084"]["expected"][0], day("prefill_nodes_by_rate"));
  meets(c["C084"], c["C084"]["expected"][1], day("decode_nodes_by_rate"));
  meets(c["C084"], c["C084"]["expected"][2], day("nodes_by_rate"));
  meets(c["C085"], c["C085"]["expected"]["decode"], day("decode_nodes"));
  meets(c["C085"], c["C085"]["expected"]["prefill"], day("prefill_nodes"));
  meets(c["C085"], c["C085"]["expected"]["td"], day("decode_node_tps"));
  meets(c["C085"], c["C085"]["expected"]["tp"], day("prefill_node_tps"));
  double hours_kUSD = 0;
  for (const Row& row : r.tables.front().rows) {
    if (std::get<std::string>(*row.find("hour")) != "day") hours_kUSD += row.number("income_kUSD");
  }
  meets(c["C086"], c["C086"]["expected"], hours_kUSD);
  meets(c["C087"], c["C087"]["expected"][0], day("prompt_tokens"));
  meets(c["C087"], c["C087"]["expected"][1], day("answer_tokens"));
  meets(c["C088"], c["C088"]["expected"], day("gpu_requests_published_speed"));
  meets(c["C089"], c["C089"]["expected"], day("gpu_kv_GB"));
  meets(c["C090"], c["C090"]["expected"], day("cache_read_GBps"));
}

TEST_CASE("the inputs of the checks are those of the shipped day") {
  auto c = checks();
  const auto r = test::run(asking());
  const Json day = (*r.input)["resolved"][0]["workload"][0];
  CHECK(day["nodes"]["edges_h"] == c["C080"]["inputs"]["edges_h"]);
  CHECK(day["nodes"]["values"] == c["C080"]["inputs"]["nodes"]);
  CHECK(day["input_tokens"] == c["C082"]["inputs"]["inp"]);
  CHECK(day["cached_tokens"] == c["C082"]["inputs"]["hit"]);
  CHECK(day["output_tokens"] == c["C082"]["inputs"]["out"]);
}

TEST_CASE("a row an hour by the clock from noon to noon, and one of the day") {
  const auto r = test::run(asking());
  const auto& rows = r.tables.front().rows;
  REQUIRE(rows.size() == 25);
  CHECK(std::get<std::string>(*rows[0].find("hour")) == "12:00");
  CHECK(std::get<std::string>(*rows[23].find("hour")) == "11:00");
  CHECK(of(r, "01:00", "nodes") == Approx(0.25 * 218 + 0.75 * 188));   // 218 until 01:15
  CHECK(of(r, "04:00", "nodes") == 68);
  CHECK(of(r, "04:00", "freed_gpu_hours") == Approx((278 - 68) * 8));
  // 9,840 freed GPU-hours a day at 180,180 a trillion tokens.
  CHECK(of(r, "day", "freed_training_Btokens") == Approx(9840.0 / 180180 * 1000));
  double cost = 0;
  for (std::size_t i = 0; i < 24; ++i) cost += rows[i].number("cost_kUSD");
  CHECK(cost == Approx(87.072));
}

TEST_CASE("another price, no cache hits, all nodes all day") {
  CHECK(of(test::run(asking(R"("gpu_price": "3 USD")")), "day", "cost_USD") == Approx(87072 * 1.5));
  // 608e9 at the price of a miss, 168e9 of output.
  CHECK(of(test::run(asking(R"("cached_tokens": 0)")), "day", "income_USD") == Approx(608e3 * 0.55 + 168e3 * 2.19));
  const auto all = test::run(asking(R"("nodes": 278)"));
  CHECK(of(all, "day", "cost_USD") == Approx(278 * 8 * 2 * 24));
  CHECK(of(all, "day", "freed_gpu_hours") == 0);
}

TEST_CASE("without a capacity nothing waits and a note says so; with one the load is told") {
  const auto r = test::run(asking());
  CHECK(r.tables.front().rows.front().find("decode_load_pct") == nullptr);
  bool told = false;
  for (const std::string& n : r.notes) told = told || n.starts_with("nothing says what a node of each stage can do");
  CHECK(told);
  const auto with = test::run(asking(R"("node_capacity": {"prefill": 147372.58, "decode": 29629.63})"));
  CHECK(of(with, "day", "prefill_load_pct") == Approx(50).epsilon(1e-4));   // twice 73,686.3
  CHECK(of(with, "day", "decode_load_pct") == Approx(50).epsilon(1e-4));
  CHECK(with.warnings.empty());
  CHECK(of(with, "day", "energy_MWh") < of(r, "day", "energy_MWh"));
}

TEST_CASE("load beyond capacity is a warning: from when on, how much, and what could be kept up with") {
  // 15,000 a decode node are enough for the day's 14,815, but not from 14:00 (15,612) on; worst from 03:30, when 36 nodes are left for 664,262.
  const auto r = test::run(asking(R"("node_capacity": {"decode": 15000})"));
  REQUIRE(r.warnings.size() == 1);
  CHECK(r.warnings[0].starts_with("decode: from 14:00 on more comes than its nodes can do, up to 1.23 times as much"));
  CHECK(r.warnings[0].find("without bound") == std::string::npos);
  CHECK(of(r, "14:00", "decode_wait_s") > 0);
  // Half of what comes in the mean: it never catches up.
  const auto half = test::run(asking(R"("node_capacity": {"decode": 7407.4})"));
  REQUIRE(half.warnings.size() == 1);
  CHECK(half.warnings[0].find("the queue grows without bound from day to day, and they would keep up with 50.0 % of the load") != std::string::npos);
  CHECK(of(half, "day", "income_USD") < 562100);
  CHECK(of(half, "day", "decode_backlog_Mtokens") == Approx(84e3).epsilon(1e-3));
}

TEST_CASE("cells follow the load: fewer nodes where it is low, never more than there are") {
  const std::string keys = R"("nodes": "follow", "node_capacity": {"prefill": 80400, "decode": 15910}, "follow": {"headroom": 0, "least": 2, "most": 9})";
  const auto r = test::run(asking(keys));
  CHECK(of(r, "22:00", "nodes") == 278);   // 2,576,507 / 15,910 = 161.9 decode nodes: nine cells
  CHECK(of(r, "04:00", "nodes") == 68);    // 33.3 decode nodes: two
  CHECK(of(r, "02:00", "nodes") == 128);   // 1,091,881 / 15,910 = 68.6: four
  CHECK(r.warnings.empty());
  const auto late = test::run(asking(keys.substr(0, keys.size() - 1) + R"(, "reaction": "15 min"})"));
  CHECK_FALSE(late.warnings.empty());
  CHECK(of(late, "07:00", "decode_wait_s") > 0);
}

TEST_CASE("units with step times give capacities, and what users see hour by hour") {
  const auto r = test::run(asking(kDecode + ", " + kPrefill + R"(, "acceptance": 0.8)"));
  // Full: 8 x 100 x 1.8 / 70 ms; 8 x 16,384 / 1.6384 s computed, and what was cached beside it.
  CHECK(of(r, "day", "decode_capacity_tps") == Approx(8 * 100 * 1.8 / 0.07));
  CHECK(of(r, "day", "prefill_capacity_tps") == Approx(80000 / (1 - 342.0 / 608)));
  // B requests at a rate r a GPU: B 1.8 / (0.02 + 0.0005 B) = r.
  const double rate = of(r, "04:00", "decode_node_tps") / 8, batch = 0.02 * rate / (1.8 - 0.0005 * rate);
  CHECK(of(r, "04:00", "gpu_requests") == Approx(batch));
  CHECK(of(r, "04:00", "user_speed_tps") == Approx(rate / batch));
  // A floor of 36 tokens a second is reached with 60 requests.
  const auto floor = test::run(asking(kDecode + R"(, "acceptance": 0.8, "least_user_speed": 36)"));
  CHECK(of(floor, "day", "decode_capacity_tps") == Approx(8 * 60 * 36));
}

TEST_CASE("the resolved scenario tells what was left to defaults, and asks the same question again") {
  const auto r = test::run(asking(R"("nodes": "follow", )" + kDecode + ", " + kPrefill));
  const Json resolved = (*r.input)["resolved"][0]["workload"][0];
  CHECK(resolved["gpu_price"] == "2 USD");
  CHECK(resolved["follow"]["interval"] == "900 s");
  CHECK(resolved["nodes"] == "follow");
  Json again = resolved;
  again.erase("constants");
  CAPTURE(again.dump());
  const auto second = test::run(test::minimal(kCluster, again.dump()));
  for (const char* column : {"nodes", "income_USD", "energy_MWh", "user_speed_tps"}) CHECK(of(second, "day", column) == of(r, "day", column));
}

TEST_CASE("what cannot be asked is told with its place") {
  const auto says = [](const std::string& keys, const std::string& part) {
    const std::string text = test::error_of(asking(keys));
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(R"("gpu_price": "-2 USD")", "/workload/0/gpu_price: expected a non-negative value");
  says(R"("nodes": 0)", "/workload/0/nodes: expected a number from 1");
  says(R"("nodes": {"edges_h": [0, 24, 12], "values": [278, 68]})", "/workload/0/nodes/edges_h/2: edges rise, but 12 follows 24");
  says(R"("nodes": {"edges_h": [0, 18], "values": [278]})", "/workload/0/nodes/edges_h: a day goes from 0 to 24 hours, these steps from 0 to 18");
  says(R"("load": {"load": [1, "2"]})", "/workload/0/load/load/1: expected a number");
  says(R"("nodes": "follow")", "/workload/0/nodes: cells can follow the load only where it is known what nodes of both stages can do");
  says(R"("nodes": "follow", "node_capacity": {"decode": 15000})", "/workload/0/nodes: cells can follow");
  says(R"("node_capacity": {"decode": 0})", "/workload/0/node_capacity/decode: expected a number");
  says(R"("node_capacity": {"deocde": 1})", "/workload/0/node_capacity/deocde: unknown key");
  says(R"("node_capacity": {"decode": 15000}, )" + kDecode, "/workload/0/decode: stands beside its number in node_capacity");
  says(R"("decode": {"nodes": 1})", "/workload/0/decode: nothing says how long a unit of this stage takes");
  says(R"("follow": {"headroom": 1})", "/workload/0/follow/headroom: expected a number from 0 to 0.99");
  says(R"("follow": {"interval": "7 h"})", "/workload/0/follow/interval: a day is no whole number of such intervals");
  says(R"("follow": {"least": 5, "most": 3})", "/workload/0/follow/most: 3 is fewer than the least, 5");
  says(R"("follow": {"hold": "20 h", "reaction": "5 h"})", "/workload/0/follow/hold: reaction and hold are longer than a day");
  says(R"("cached_tokens": 608e9, )" + kPrefill, "/workload/0/cached_tokens: all input is cached");
  says(kDecode + R"(, "least_user_speed": 91)", "/workload/0/least_user_speed: no batch gives a user 91 tokens a second");
  says(R"("decode": {"times": {"base": "20 ms"}, "nodes": 1, "groups": 8, "kv_tokens": 4000})",
       "/workload/0/decode: the cache of a group holds 4000 tokens, less than one request of 4989");
  says(R"("decode": {"times": {"base": "20 ms"}, "nodes": 1, "groups": 9, "kv_tokens": 400000})", "/workload/0/decode/groups: 9 groups of 1 GPUs do not fit");
  says(R"("model": "deepseek-v33")", "/workload/0/model: unknown name");
}

TEST_CASE("the shipped scenario holds what it expects, and its rows of validation are identities") {
  const Scenario shipped = load_scenario(test::data().find("scenarios", "production_day").string(), {});
  auto r = run_scenario(shipped, test::data(), {});
  check_expectations(shipped, r);
  CHECK(r.expectations.size() >= 19);
  for (const auto& e : r.expectations) {
    CAPTURE(e.of);
    CHECK(e.pass);
  }
  ValidationOptions o;
  o.topic = "production_day";
  for (const ValidationRow& row : validate(test::data(), o)) {
    CAPTURE(row.id);
    CHECK_FALSE(row.missed());
    CHECK(row.kind != "predicted");   // arithmetic on what was published predicts nothing
  }
}
