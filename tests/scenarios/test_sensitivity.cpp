// sensitivity: elasticities against closed forms, whole numbers and structure, what is wrong with a moved input, and determinism.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "reports/render.h"
#include "scenarios/studies/sensitivity.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kSmall = R"("node": "h800", "nodes": 4, "topology": {"kind": "mpft"})";

Sensitivity study(const std::string& text, SensitivityOptions o = {}, unsigned jobs = 1) {
  o.run.jobs = jobs;
  return sensitivity(test::scenario(text), test::data(), o);
}

const reports::Table& table(const reports::Listing& l, const std::string& id) {
  for (const reports::Table& t : l.tables) {
    if (t.id == id) return t;
  }
  FAIL("no table " << id);
  return l.tables.front();
}

const Row& row(const reports::Listing& l, const std::string& input, const std::string& id = "sensitivity") {
  for (const Row& r : table(l, id).rows) {
    if (std::get<std::string>(*r.find("input")) == input) return r;
  }
  FAIL("no input " << input);
  return table(l, id).rows.front();
}

std::string word(const Row& r, const char* column) {
  const Cell* c = r.find(column);
  return c == nullptr ? "" : std::get<std::string>(*c);
}

SensitivityOptions asking(const std::string& of, std::vector<std::string> inputs = {}, double by = 0.1) {
  SensitivityOptions o;
  o.of = of;
  o.inputs = std::move(inputs);
  o.step.by = by;
  return o;
}

/// Where the error lies, and its words.
std::string refused(const std::string& text, const SensitivityOptions& o) {
  try {
    study(text, o);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

const std::string kAllToAll = test::minimal(kSmall, R"({"kind": "all_to_all", "gpus": [16, 32], "sizes": ["1 KiB", "16 GiB"], "kernel": "line_rate"})");
const std::string kPing = test::minimal(kSmall, R"({"kind": "ping"})");

}  // namespace

TEST_CASE("an all-to-all at line rate has the elasticity -1 to the rate of the NIC and 0 to NVLink's") {
  const auto s = study(kAllToAll, asking("all_to_all[gpus=32,size_B=17179869184]/time_us"));
  // Seconds on the wire against a few microseconds of latency: t = bytes / rate.
  CHECK(row(s.listing, "node h800: nic_rate").number("elasticity") == Approx(-1).epsilon(1e-4));
  CHECK(row(s.listing, "node h800: nic_rate").number("elasticity_up") == Approx(-1).epsilon(1e-4));
  CHECK(row(s.listing, "node h800: nvlink_rate").number("swing_pct") == 0);
  CHECK(row(s.listing, "all_to_all: sizes").number("elasticity") == Approx(1).epsilon(1e-4));
  CHECK(word(table(s.listing, "answer").rows.front(), "of") == "t/all_to_all[gpus=32,size_B=17179869184,pxn=true]/time_us");
  // 1/0.9 is further from 1 than 1.1 is.
  CHECK(s.sentence.find("It depends most on node h800: nic_rate (400 Gbps to 360 Gbps: +11 %), all_to_all: sizes (16 GiB to 17.6 GiB: +10 %)") != std::string::npos);
}

TEST_CASE("a kink shows: a NIC that is as fast as its bus gains nothing from getting faster") {
  const std::string text = test::minimal(R"("node": {"extends": "h800", "nic_rate": "57.6 GB/s"}, "nodes": 4, "topology": {"kind": "mpft"})",
                                         R"({"kind": "all_to_all", "gpus": 32, "sizes": "16 GiB", "kernel": "line_rate"})");
  const auto s = study(text, asking("time_us", {"/cluster/node/nic_rate", "/cluster/node/pcie_rate"}));
  const Row& nic = row(s.listing, "node h800, changed: nic_rate");
  CHECK(nic.number("elasticity_down") == Approx(-1).epsilon(1e-4));
  // InfiniBand's headers do not cross the bus: it carries 57.6 GB/s of payload where the NIC has 4096 / 4122 of that.
  CHECK(nic.number("elasticity_up") == Approx(-std::log(4122.0 / 4096) / std::log(1.1)).epsilon(1e-3));
  CHECK(word(nic, "origin") == "given");
}

TEST_CASE("a small message's elasticity to an input is the input's share of its latency") {
  const auto s = study(kPing, asking("ping[pair=same_leaf]", {}, 0.001));
  // Table 5's two constants: 2.42 us at the ends, 0.35 us in the one switch, 2 x 3 m x 5 ns of cable.
  const double all = table(s.listing, "answer").rows.front().number("value");
  CHECK(row(s.listing, "transport infiniband: endpoint_latency").number("elasticity") == Approx(2.42 / all).epsilon(1e-5));
  CHECK(row(s.listing, "transport infiniband: switch_latency").number("elasticity") == Approx(0.35 / all).epsilon(1e-5));
  CHECK(row(s.listing, "transport infiniband: cable_latency").number("elasticity") == Approx(0.03 / all).epsilon(1e-5));
  CHECK(word(row(s.listing, "transport infiniband: switch_latency"), "origin") == "fitted");
}

TEST_CASE("a price is homogeneous of degree one: the elasticities of prices add up to 1") {
  const auto s = study(test::minimal(R"("node": "h800", "nodes": 256, "topology": {"kind": "mpft"})", R"({"kind": "price"})"),
                       asking("price_MUSD", {"/cluster/prices/*"}, 0.001));
  double sum = 0;
  for (const Row& r : table(s.listing, "sensitivity").rows) sum += r.find("elasticity") != nullptr ? r.number("elasticity") : 0;
  CHECK(sum == Approx(1).epsilon(1e-5));
  // 96 switches at 58,000 of 8.9923 million.
  CHECK(row(s.listing, "prices table3-calibrated: switch").number("elasticity") == Approx(96 * 58000 / 8.9923e6).epsilon(1e-4));
}

TEST_CASE("the money of the production day is linear in the price of a GPU-hour, which is a published one though the scenario leaves it out") {
  const auto s = study(test::minimal(R"("node": "h800", "nodes": 2, "topology": {"kind": "single_switch"})", R"({"kind": "production_day"})"),
                       asking("production_day[hour=day]/cost_USD", {"*gpu_price", "*token_prices*", "*/power/*"}));
  const Row& price = row(s.listing, "production_day: gpu_price");
  CHECK(price.number("elasticity") == Approx(1).epsilon(1e-9));
  CHECK(word(price, "origin") == "published");
  CHECK(row(s.listing, "production_day: token_prices/output").number("swing_pct") == 0);
  CHECK(word(row(s.listing, "power h800_server: idle"), "origin") == "assumed");
}

TEST_CASE("experts over GPUs move to half and twice where ten percent do not divide, and the note says so") {
  const auto s = study(test::minimal(kSmall, R"({"kind": "deepep_dispatch", "ep": 16, "tokens": 256, "experts": 256})"), asking("deepep_dispatch/time_us", {"*/ep"}));
  const Row& ep = row(s.listing, "deepep_dispatch: ep");
  CHECK(word(ep, "low") == "8");
  CHECK(word(ep, "high") == "32");
  CHECK(word(ep, "moved") == "next");
  CHECK(word(ep, "note").find("low: 14: ") == 0);
  CHECK(ep.number("elasticity") == Approx(std::log(ep.number("answer_high") / ep.number("answer_low")) / std::log(4)).epsilon(1e-12));
}

TEST_CASE("an input that no other value fits is a row with the reason") {
  const auto s = study(kPing, asking("ping[pair=same_leaf]", {"*/gpus", "*/planes", "*/topology/*"}));
  bool stuck = false;
  for (const Row& r : table(s.listing, "sensitivity").rows) {
    if (r.find("answer_low") != nullptr && r.find("answer_high") != nullptr) continue;
    stuck = true;
    CHECK_FALSE(word(r, "note").empty());
  }
  CHECK(stuck);
  CHECK(word(row(s.listing, "cluster: topology/planes"), "note").find("high: 9: ") != std::string::npos);
}

TEST_CASE("inputs move together where that is asked for, and then not alone") {
  SensitivityOptions o = asking("ping[pair=same_leaf]", {"/cluster/transport/*_latency"}, 0.001);
  o.together = {"/cluster/transport/endpoint_latency,/cluster/transport/switch_latency"};
  const auto s = study(kPing, o);
  const Row& both = row(s.listing, "transport infiniband: endpoint_latency + transport infiniband: switch_latency");
  CHECK(both.number("elasticity") == Approx(2.77 / table(s.listing, "answer").rows.front().number("value")).epsilon(1e-5));
  CHECK(table(s.listing, "sensitivity").rows.size() == 2);   // the cable's beside it; the adaptive hop's is zero
  CHECK(word(both, "pointer") == o.together.front());
}

TEST_CASE("a file that the scenario leaves to a default is named before its numbers move, also when several do") {
  SensitivityOptions o = asking("all_to_all", {"none"});
  o.inputs.clear();
  o.together = {"/cluster/node/nic_rate,/cluster/node/pcie_rate"};
  const auto s = study(test::minimal(R"("nodes": 4, "topology": {"kind": "mpft"})", R"({"kind": "all_to_all", "gpus": 32, "sizes": "16 GiB", "kernel": "line_rate"})"), o);
  CHECK(row(s.listing, "node h800: nic_rate + node h800: pcie_rate").number("elasticity") == Approx(-1).epsilon(1e-4));
}

TEST_CASE("the rates of a GPU scale what was measured on it, and are compared with the same computed for the GPU as it is") {
  const std::string text = test::minimal(R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})",
                                         R"({"kind": "kernel", "gpu": "h800", "family": "gemm", "shape": {"m": [64, 8192], "n": 7168, "k": 16384}})");
  const auto s = study(text, asking("kernel[m=8192]/time_us", {"*gpu/*_rate", "*/sms"}));
  // 2 x 8192 x 7168 x 16384 FLOP in FP8 are bound by the tensor cores, not by memory.
  CHECK(row(s.listing, "GPU h800: fp8_rate").number("elasticity") == Approx(-1).epsilon(0.05));
  CHECK(std::abs(row(s.listing, "GPU h800: hbm_rate").number("elasticity")) < 0.05);
  CHECK(row(s.listing, "GPU h800: nic_rate").number("swing_pct") == 0);
}

TEST_CASE("a default that is said aloud changes nothing, so that a study of all inputs begins at the answer") {
  const auto s = study(test::minimal(kSmall, R"({"kind": "deepep_dispatch", "ep": 16, "tokens": 256})"), asking("deepep_dispatch/time_us"));
  const double answer = table(s.listing, "answer").rows.front().number("value");
  for (const Row& r : table(s.listing, "sensitivity").rows) {
    if (r.find("answer_low") == nullptr || word(r, "origin") != "default") continue;
    CHECK(r.number("change_low_pct") == Approx(100 * (r.number("answer_low") / answer - 1)).epsilon(1e-9));
  }
  CHECK(word(row(s.listing, "deepep_dispatch: hidden"), "origin") == "default");
  CHECK(word(row(s.listing, "kernel deepep_normal: start_up", "not_moved"), "why").find("zero") == 0);
}

TEST_CASE("a number that says in the scenario where it comes from keeps that") {
  const auto s = study(test::minimal(R"("node": {"extends": "h800", "nic_rate": {"value": "200 Gbps", "origin": "measured", "source": "ours"}}, "nodes": 4, "topology": {"kind": "mpft"})",
                                     R"({"kind": "all_to_all", "gpus": 32, "sizes": "16 GiB", "kernel": "line_rate"})"), asking("time_us", {"*nic_rate"}));
  const Row& nic = row(s.listing, "node h800, changed: nic_rate");
  CHECK(word(nic, "origin") == "measured");
  CHECK(word(nic, "source") == "ours");
  const auto limit = study(test::minimal(R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})",
                                         R"({"kind": "ep_speed_limit", "networks": [{"name": "n", "rate": {"value": "50 GB/s", "origin": "published", "source": "ours"}}]})"),
                           asking("ep_speed_limit", {"*networks*"}));
  CHECK(word(row(limit.listing, "ep_speed_limit: networks/rate"), "origin") == "published");
  CHECK(word(row(limit.listing, "ep_speed_limit: networks/rate"), "high") == "55 GB/s");
}

TEST_CASE("assumptions that matter stand in a table of their own") {
  const std::string text = test::minimal(R"("node": "h800", "nodes": 4, "topology": {"kind": "mpft"})", R"({"kind": "all_to_all", "gpus": 32, "sizes": "1 KiB"})");
  const auto s = study(text, asking("all_to_all/time_us"));
  // NCCL's start-up of 9.6 us is most of a small all-to-all.
  CHECK(word(table(s.listing, "assumed").rows.front(), "input") == "kernel nccl_all_to_all: start_up");
  CHECK(s.sentence.find("Of what is assumed, kernel nccl_all_to_all: start_up (9.6 us to 10.56 us: +") != std::string::npos);
  for (const Row& r : table(s.listing, "assumed").rows) CHECK(r.number("swing_pct") > 1);
}

TEST_CASE("the same bytes whatever the number of threads, sorted by swing") {
  const auto one = study(kPing, asking("ping[pair=same_leaf]"), 1), two = study(kPing, asking("ping[pair=same_leaf]"), 2);
  CHECK(reports::render(one.listing, "json", {}) == reports::render(two.listing, "json", {}));
  CHECK(one.sentence == two.sentence);
  double last = 1e300;
  for (const Row& r : table(one.listing, "sensitivity").rows) {
    if (r.find("answer_low") == nullptr && r.find("answer_high") == nullptr) continue;
    CHECK(r.number("swing_pct") <= last + 1e-7);
    last = r.number("swing_pct");
  }
  CHECK(one.listing.schema == "weft-sensitivity/1");
}

TEST_CASE("for people inputs that move nothing are left out unless all are asked for, and every row can be shown in every format") {
  const auto s = study(kPing, asking("ping[pair=same_leaf]"));
  const std::string few = reports::render(for_people(s, false), "table", {}), all = reports::render(for_people(s, true), "table", {});
  CHECK(few.find("node h800: nvlink_rate  ") == std::string::npos);
  CHECK(all.find("node h800: nvlink_rate  ") != std::string::npos);
  CHECK(few.find("--------------|++++++++++++++") != std::string::npos);
  for (const char* format : {"json", "csv", "markdown", "table"}) CHECK_FALSE(reports::render(s.listing, format, {}).empty());
}

TEST_CASE("the list of inputs says to where each would move") {
  const reports::Listing l = sensitivity_inputs(test::scenario(kPing), test::data(), asking("ping[pair=same_leaf]"));
  CHECK(word(row(l, "node h800: nic_rate", "inputs"), "high") == "440 Gbps");
  CHECK(word(row(l, "node h800: nic_rate", "inputs"), "pointer") == "/cluster/node/nic_rate");
  CHECK(word(row(l, "cluster: topology/planes", "inputs"), "low") == "4");
  SensitivityOptions doubled = asking("ping[pair=same_leaf]");
  doubled.step.doubled = true;
  CHECK(word(row(sensitivity_inputs(test::scenario(kPing), test::data(), doubled), "node h800: nic_rate", "inputs"), "low") == "200 Gbps");
}

TEST_CASE("any part of a cell's path will do that only one has; without one the first expectation or the first time is looked at") {
  const std::string begin = R"({"title": "t", "cluster": {)" + kSmall + R"(}, "workload": [{"kind": "price"}, {"kind": "ping"}],
    "variants": [{"name": "a"}, {"name": "b", "set": {"/cluster/transport": "roce"}}])";
  const auto of = [&](const std::string& text, const std::string& rest = "}") {
    return word(table(study(begin + rest, asking(text, {"/cluster/node/nic_rate"})).listing, "answer").rows.front(), "of");
  };
  const std::string ping = "/ping[pair=same_leaf,size_B=64]/latency_us";
  CHECK(of("b/ping[pair=same_leaf]/latency_us") == "b" + ping);
  CHECK(of("b/ping[pair=same_leaf]") == "b" + ping);
  CHECK(of("ping[pair=same_leaf]/latency_us") == "a" + ping);
  CHECK(of("ping") == "a" + ping);
  CHECK(of("b/price_MUSD") == "b/price/price_MUSD");
  CHECK(of("price_MUSD") == "a/price/price_MUSD");
  CHECK(of("") == "a/price/price_MUSD");
  CHECK(of("", R"(, "expect": [{"of": "b/ping[pair=same_leaf]/latency_us", "value": 1, "source": "s"}]})") == "b" + ping);
}

TEST_CASE("what is wrong with the question is told at its option") {
  CHECK(refused(kPing, asking("latency_ns")).find("--of") != std::string::npos);
  CHECK(refused(kAllToAll, asking("time_us")).find("may be any of 4 rows") != std::string::npos);
  CHECK(refused(kPing, asking("ping[pair=none]/latency_us")).find("--of") != std::string::npos);
  CHECK(refused(kPing, asking("ping[pair=same_leaf", {})).find("] is missing") != std::string::npos);
  CHECK(refused(kPing, asking("a/b/c/d")).find("--of") != std::string::npos);
  CHECK(refused(kPing, asking("ping[pair=same_leaf]", {"/cluster/node/nicrate"})).find("did you mean \"/cluster/node/nic_rate\"") != std::string::npos);
  SensitivityOptions o = asking("ping[pair=same_leaf]");
  o.together = {"/cluster/node/nic_rate,/nowhere"};
  CHECK(refused(kPing, o).find("--together") != std::string::npos);
  for (const char* by : {"", "20", "0%", "100%", "-5%", "nan%", "1e99%", "20%%"}) CHECK_THROWS_AS(parse_part(by), UserError);
  CHECK(parse_part("20 %") == Approx(0.2));
}

TEST_CASE("values move by their unit, whole numbers to whole numbers, SMs by four, and shares stay below one") {
  const StepSize tenth;
  const auto first = [&](const Json& v, const char* key, Side side) { return value_text(neighbours(v, key, side, tenth).at(0)); };
  CHECK(first("400 Gbps", "nic_rate", Side::high) == "440 Gbps");
  CHECK(first("58000 USD", "switch", Side::low) == "52200 USD");
  CHECK(first(15360, "global_batch", Side::high) == "16896");
  CHECK(first(20, "communication_sms", Side::low) == "16");
  CHECK(first(4, "spines", Side::low) == "3");   // 3.6 is 4 again
  // 6451.2 is no multiple of 128, which FP8 wants: 6656 and 6400 are tried after it, and half of it when all fail.
  std::vector<std::string> hidden;
  for (const Json& v : neighbours(7168, "hidden", Side::low, tenth)) hidden.push_back(value_text(v));
  CHECK(hidden.front() == "6451");
  CHECK(std::find(hidden.begin(), hidden.end(), "6400") != hidden.end());
  CHECK(hidden.back() == "3584");
  CHECK(first(1.19, "slowest_rows", Side::low) == "1.071");
  CHECK(neighbours(0.95, "hit", Side::high, tenth).at(1) == Json(0.975));
  CHECK(neighbours(1, "tp", Side::low, tenth).empty());
  CHECK(neighbours(0, "mtp", Side::high, tenth).empty());
  CHECK(neighbours("fp8", "dtype", Side::high, tenth).empty());
  CHECK(neighbours(true, "pxn", Side::high, tenth).empty());
}
