// serving_capacity: what units can do, from given step times.
#include <doctest/doctest.h>

#include <cmath>

#include "scenarios/studies/validate.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "h800", "nodes": 2, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& keys) { return test::minimal(kCluster, R"({"kind": "serving_capacity", )" + keys + "}"); }

/// Two nodes of eight GPUs, each a group: a step of `base` and 0.5 ms a request, room for 100 requests.
std::string decode(const std::string& base, int drafts) {
  return R"({"times": {"base": ")" + base + R"(", "per_request": "0.5 ms"}, "nodes": 2, "groups": 16, "kv_tokens": 500000, "kv_per_token": "70272 B", "drafts": )" + std::to_string(drafts) + "}";
}

double of(const reports::Report& r, const std::string& labels, const std::string& column) { return cell_of(r, "t/serving_capacity[" + labels + "]/" + column); }

std::string word(const reports::Report& r, const std::string& at, const std::string& column) {
  for (const Row& row : r.tables.front().rows) {
    if (std::get<std::string>(*row.find("at")) == at) return std::get<std::string>(*row.find(column));
  }
  return "no such row";
}

}  // namespace

TEST_CASE("serving_capacity has a row a batch, a user's speed and the full cache, for each acceptance") {
  const auto r = test::run(asking(R"("decode": )" + decode("20 ms", 1) + R"(, "kv_length": 5000, "acceptances": [0.6, 0.8], "batches": [60, 120], "user_speeds": [30, 100])"));
  CHECK(r.tables.front().rows.size() == 2 * (2 + 2 + 1));
  // 8 B (1 + p) / step: 60 requests in 50 ms.
  CHECK(of(r, "acceptance=0.8,at=60 requests", "node_tps") == Approx(8 * 60 * 1.8 / 0.05));
  CHECK(of(r, "acceptance=0.6,at=60 requests", "user_speed_tps") == Approx(1.6 / 0.05));
  CHECK(of(r, "acceptance=0.6,at=60 requests", "kv_GB") == Approx(60 * 5000 * 70272e-9));
  CHECK(of(r, "acceptance=0.8,at=60 requests", "fits") == 1);
  CHECK(of(r, "acceptance=0.8,at=120 requests", "fits") == 0);
  // 1.8 / (20 ms + B 0.5 ms) = 30 a second at 80 requests.
  CHECK(of(r, "acceptance=0.8,at=30 tokens/s", "requests") == Approx(80));
  CHECK(of(r, "acceptance=0.8,at=30 tokens/s", "gpu_tps") == Approx(80 * 30));
  CHECK(of(r, "acceptance=0.8,at=full cache", "requests") == 100);
  CHECK(word(r, "30 tokens/s", "bound_by") == "user speed");
  CHECK(word(r, "100 tokens/s", "bound_by") == "no batch is so fast");
  CHECK(word(r, "120 requests", "bound_by") == "more than the cache holds");
  CHECK(word(r, "full cache", "bound_by") == "cache");
}

TEST_CASE("without drafts there is no acceptance, and the cache may end before users are slow") {
  const auto r = test::run(asking(R"("decode": )" + decode("20 ms", 0) + R"(, "kv_length": 5000, "user_speeds": 10)"));
  CHECK(r.tables.front().rows.size() == 2);
  CHECK(r.tables.front().rows.front().find("acceptance") == nullptr);
  CHECK(of(r, "at=10 tokens/s", "requests") == 100);
  CHECK(word(r, "10 tokens/s", "bound_by") == "cache");
}

TEST_CASE("C079: steps that are 2.8 % longer with a draft accepted at 85 % speed decoding up by 1.8") {
  const auto stage = [](const std::string& base, int drafts) {
    return R"({"times": {"base": ")" + base + R"("}, "nodes": 2, "groups": 16, "kv_tokens": 500000, "drafts": )" + std::to_string(drafts) + "}";
  };
  const auto r = test::run(asking(R"("decode": )" + stage("20.56 ms", 1) + R"(, "decode_without_mtp": )" + stage("20 ms", 0) + R"(, "acceptances": 0.85, "batches": 64)"));
  CHECK(std::abs(of(r, "at=64 requests", "mtp_speed_up") - 1.8) <= 0.01);
}

TEST_CASE("a prefill node computes what is not cached, in passes of so many tokens a GPU") {
  const auto r = test::run(asking(R"("prefill": {"times": {"base": "10 ms", "per_token": "100 us", "per_pair": "1 ns"}, "nodes": 1, "groups": 8, "kv_tokens": 1000000},
                                     "prompt": 4000, "cached_share": 0.75, "tokens_a_pass": [16000, 32000])"));
  CHECK(r.tables.front().rows.size() == 2);
  // 16 prompts of 1,000 new tokens after 3,000: 3,500,500 pairs each.
  const double pass_s = 0.01 + 1.6 + 16 * 3500500e-9;
  CHECK(of(r, "at=16000 tokens", "time_ms") == Approx(1e3 * pass_s));
  CHECK(of(r, "at=16000 tokens", "node_computed_tps") == Approx(8 * 16000 / pass_s));
  CHECK(of(r, "at=16000 tokens", "node_tps") == Approx(4 * 8 * 16000 / pass_s));
  CHECK(of(r, "at=32000 tokens", "requests") == 32);
}

TEST_CASE("what cannot be asked is told with its place") {
  const auto says = [](const std::string& keys, const std::string& part) {
    const std::string text = test::error_of(asking(keys));
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string unit = R"("decode": )" + decode("20 ms", 1);
  says(R"("batches": 64)", "/workload/0: neither \"prefill\" nor \"decode\" is described");
  says(unit + R"(, "acceptances": 1.2)", "/workload/0/acceptances: expected a number from 0 to 1");
  says(unit + R"(, "acceptances": [])", "/workload/0/acceptances: the list is empty");
  says(unit + R"(, "batches": [64, -1])", "/workload/0/batches/1: expected a number");
  says(unit + R"(, "user_speeds": 0)", "/workload/0/user_speeds: expected a number");
  says(unit + R"(, "imbalances": [0.9])", "/workload/0/imbalances/0: expected a number from 1");
  says(unit + R"(, "imbalances": [1, 1.15])", "/workload/0/decode/balance: unknown key");   // given times know of none
  says(unit + R"(, "cached_share": 1)", "/workload/0/cached_share: expected a number");
  says(unit + R"(, "kv_length": 600000)", "/workload/0/decode: the cache of a group holds 500000 tokens, less than one request of 600000");
  says(R"("prefill": {"times": {"per_token": "1 us"}, "nodes": 1, "groups": 8, "kv_tokens": 1}, "decode_without_mtp": )" + decode("20 ms", 0), "/workload/0/decode_without_mtp: there is no \"decode\"");
  says(unit + R"(, "batchs": 3)", "/workload/0/batchs: unknown key");
}

TEST_CASE("the shipped band encloses the published 14.8k a decode node at 21 tokens a second, and misses it without drafts") {
  const Scenario shipped = load_scenario(test::data().find("scenarios", "serving_capacity").string(), {});
  auto r = run_scenario(shipped, test::data(), {});
  check_expectations(shipped, r);
  for (const auto& e : r.expectations) CHECK(e.pass);
  const auto node = [&](const std::string& labels) { return cell_of(r, labels + ",at=21 tokens/s]/node_tps"); };
  CHECK(node("MTP/band[stage=decode,imbalance=1.3,acceptance=0.6") < 14800);
  CHECK(node("MTP/band[stage=decode,imbalance=1,acceptance=0.9") > 14800);
  CHECK(node("no drafts/band[stage=decode,imbalance=1") < 14800);
  // More acceptance helps, more imbalance hurts.
  CHECK(node("MTP/band[stage=decode,imbalance=1,acceptance=0.9") > node("MTP/band[stage=decode,imbalance=1,acceptance=0.6"));
  CHECK(node("MTP/band[stage=decode,imbalance=1.3,acceptance=0.9") < node("MTP/band[stage=decode,imbalance=1,acceptance=0.9"));
  // Prefill can do more than the day's mean, cached tokens included.
  CHECK(cell_of(r, "MTP/band[stage=prefill,imbalance=1.3,at=16384 tokens]/node_tps") > 73700);
}

TEST_CASE("serving_capacity tells what is wrong with one stage though the other is then not read") {
  const std::string error = test::error_of(asking(R"("prefill": {"model": "deepseek-v3", "ep": 29}, "decode": {"model": "deepseek-v3", "ep": 16, "mtp": 1})"));
  CHECK(error.find("/workload/0/prefill/ep") != std::string::npos);
}
