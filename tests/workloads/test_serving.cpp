#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/storage_fabrics.h"
#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

/// One node of prefill and one of decode; `more`: further keys of the workload.
std::string serving(const std::string& requests, const std::string& more = "", const std::string& decode = "") {
  return fmt::format(R"({{"kind": "serving", "requests": {},
    "prefill": {{"nodes": 1, "groups": 8, "kv_tokens": 500000, "times": {{"base": "10 ms", "per_token": "1 us"}}}},
    "decode": {{"nodes": 1, "groups": 8, "kv_tokens": 500000, "times": {{"base": "20 ms"}}{}}}{}}})",
                     requests, decode, more);
}

const std::string steady = R"({"process": "uniform", "count": 600, "duration": "60 s", "prompt": 1000, "output": 11, "cache": "none"})";

}  // namespace

// Ten a second, evenly: each finds prefill idle. 11 ms of it; then the cache of 1,000 tokens of 70,272 B over a NIC of 50 GB/s, 1.405 ms, and 1 us of NVLink's
// latency to another GPU than the one that is still decoding; then a step of 20 ms for each token, or a wait of up to one for the unit's next step while another request decodes.
TEST_CASE("a \"serving\" workload gives latencies of all its requests, and rows over time") {
  const Ground ground(mpft, 2);
  const std::vector<Row> rows = ground.run(serving(steady, R"(, "every": "10 s", "slo": {"ttft": "15 ms", "tpot": "25 ms"})"));
  const Row& all = rows.at(0);
  CHECK(std::get<std::string>(*all.find("part")) == "all");
  CHECK(all.number("finished") == 600);
  CHECK(all.number("output_tokens") == 6600);
  CHECK(all.number("ttft_p50_ms") == doctest::Approx(11 + 1.40544 + 0.001).epsilon(1e-6));
  CHECK(all.number("ttft_p99_ms") == doctest::Approx(11 + 1.40544 + 0.001).epsilon(1e-6));
  CHECK(all.number("itl_p50_ms") == doctest::Approx(20).epsilon(1e-5));
  CHECK(all.number("tpot_mean_ms") >= 20 * (1 - 1e-9));
  CHECK(all.number("tpot_mean_ms") <= 22);
  CHECK(all.number("goodput_pct") == 100);
  CHECK(all.number("offered_rps") == doctest::Approx(10).epsilon(0.02));
  CHECK(all.number("decode_tps_node") == doctest::Approx(110).epsilon(0.02));
  CHECK(all.number("prefill_tps_node") == doctest::Approx(10000).epsilon(0.02));
  CHECK(all.number("prefill_busy_pct") == doctest::Approx(11).epsilon(0.02));
  CHECK(std::get<bool>(*all.find("overloaded")) == false);
  REQUIRE(rows.size() >= 7);
  CHECK(std::get<std::string>(*rows[1].find("part")) == "interval");
  CHECK(rows[2].number("offered_rps") == doctest::Approx(10).epsilon(0.011));
  CHECK(rows[2].number("until_s") == 20);
}

TEST_CASE("serving the same seed twice gives the same rows") {
  const Ground ground(mpft, 2);
  const std::string json = serving(R"({"process": "poisson", "count": 500, "duration": "10 s", "prompt": 800, "output": 50})", R"(, "acceptance": 0.7)", R"(, "drafts": 1)");
  const auto a = ground.run(json, 3), b = ground.run(json, 3), c = ground.run(json, 4);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i].cells() == b[i].cells());
  CHECK(a[0].cells() != c[0].cells());
}

TEST_CASE("arrivals beyond what units can take end with a warning, not without end") {
  const Ground ground(mpft, 2);
  // 8 groups take one prompt in 11 ms each: 727 a second at most.
  const std::string json = serving(R"({"process": "poisson", "count": 6000, "duration": "6 s", "prompt": 1000, "output": 1, "cache": "none"})", R"(, "policy": {"max_prompts": 1})");
  topology::Router router(ground.fabric, ground.routing);
  const auto workload = workload_from(json, 1);
  const auto cases = workload->cases(ground.view(router));
  REQUIRE(cases.size() == 1);
  const auto program = cases[0].program(0);
  Unheard nobody;
  engine::run(router, *program, {}, nobody);
  Row row;
  cases[0].fill({}, row);
  CHECK(std::get<bool>(*row.find("overloaded")));
  CHECK(row.number("sustained_rps") == doctest::Approx(8 / 11e-3).epsilon(0.01));
  CHECK(row.number("finished") == row.number("requests"));
  REQUIRE(workload->warnings().size() == 1);
  CHECK(workload->warnings()[0].find("queues grow without bound") != std::string::npos);
}

// The bound of a server is that nothing ends before the last request has come.
TEST_CASE("a serving run is bounded by its last arrival") {
  const Ground ground(mpft, 2);
  topology::Router router(ground.fabric, ground.routing);
  const auto workload = workload_from(serving(steady));
  const auto c = workload->cases(ground.view(router)).at(0);
  const Seconds least = ground.makespan(*c.bound_program(0)), time = ground.makespan(*c.program(0));
  CHECK(least.value() > 59);
  CHECK(least < time);
  CHECK(time.value() < least.value() + 0.5);
}

// A draft accepted at 0.85: 20 ms for 1.85 tokens, where that is not said; of 60,000 steps the mean varies by 0.2 %.
TEST_CASE("drafts of a serving workload are accepted as in the paper if nothing else is said") {
  const Ground ground(mpft, 2);
  const std::string requests = R"({"process": "uniform", "count": 600, "duration": "60 s", "prompt": 100, "output": 201, "cache": "none"})";
  CHECK(ground.number(serving(requests, "", R"(, "drafts": 1)"), "tokens_per_step") == doctest::Approx(1.85).epsilon(0.008));
  CHECK(ground.number(serving(requests, R"(, "acceptance": 0)", R"(, "drafts": 1)"), "tokens_per_step") == 1);
}

TEST_CASE("stages whose caches differ are told, and how prefill fills that of decode's MTP module") {
  const auto warnings = [](const std::string& decode) { return workload_from(serving(steady, "", decode))->warnings(); };
  CHECK(warnings("").empty());
  const auto mtp = warnings(R"(, "drafts": 1, "kv_per_token": "71424 B")");
  REQUIRE(mtp.size() == 1);
  CHECK(mtp[0].find("70272 B in the cache of prefill and 71424 B in that of decode") != std::string::npos);
  CHECK(mtp[0].find("prefill does not fill the cache of decode's MTP module: give prefill \"mtp\" too") != std::string::npos);
  const auto fp8 = warnings(R"(, "kv_per_token": "40016 B")");
  REQUIRE(fp8.size() == 1);
  CHECK(fp8[0].find("MTP") == std::string::npos);
}

TEST_CASE("units that no cluster has room for are told, however many") {
  const Ground ground(mpft, 2);
  for (const bool prefill : {true, false}) {
    const auto stage = [](bool many) {
      return fmt::format(R"({{"nodes": {0}, "units": {0}, "groups": 8, "kv_tokens": 500000, "times": {{"base": "10 ms"}}}})", many ? 65536 : 1);
    };
    const std::string json = fmt::format(R"({{"kind": "serving", "requests": {}, "prefill": {}, "decode": {}}})", steady, stage(prefill), stage(!prefill));
    CHECK_THROWS_WITH_AS(ground.run(json), doctest::Contains(prefill ? "take 4294967296 + 1 nodes, the cluster has 2" : "take 1 + 4294967296 nodes, the cluster has 2"), UserError);
  }
}

TEST_CASE("what is wrong with a serving workload is told with its place") {
  const Ground ground(mpft, 2);
  const auto says = [&](const std::string& json, const char* text) { CHECK_THROWS_WITH_AS(ground.run(json), doctest::Contains(text), UserError); };
  says(R"({"kind": "serving"})", "/prefill: no prefill units");
  says(serving(steady, R"(, "policy": {"max_prompt": 1})"), "max_prompts");
  says(serving(steady, R"(, "acceptance": 1.5)", R"(, "drafts": 1)"), "/acceptance: expected a number from 0 to 1");
  says(serving(steady, R"(, "acceptance": 0.5)"), "/acceptance: decode makes no draft tokens");
  says(serving(steady, R"(, "after_horizon": "cut")"), "no horizon to cut at");
  says(serving(steady, R"(, "slo": {"ttft": 2})"), "/slo/ttft");
  says(serving(steady, "", R"(, "units": 2)"), "take 1 + 2 nodes, the cluster has 2");
  says(serving(steady, "", R"(, "gpus_per_group": 2)"), "8 groups of 2 GPUs do not fit");
  says(serving(R"({"process": "uniform", "count": 6, "duration": "6 s", "prompt": 600000, "output": 11})"), "does not fit into the 500000 tokens of KV memory");
}

TEST_CASE("cached prompts are read from the storage nodes before they are prefilled, as fast as the node's storage NIC allows") {
  // One request at a time: 3,000 of 4,000 tokens of 70,272 B over 8 SSDs of 6.2 GB/s (49.6 GB/s) into a storage NIC of 50 GB/s, of which the kernel reaches 0.88: 44 GB/s.
  const std::string workload = R"({"kind": "serving", "requests": {"process": "uniform", "count": 3, "duration": "30 s", "prompt": 4000, "output": 10,
    "cache": {"model": "all_alike", "hit": 0.75}}, "prefix_cache": {},
    "prefill": {"times": {"base": "100 ms"}, "nodes": 1, "groups": 8, "kv_tokens": 100000},
    "decode": {"times": {"base": "10 ms"}, "nodes": 1, "groups": 8, "kv_tokens": 100000}})";
  const Ground ground(make_storage_fabric({.nodes = 4}, mpft, 2));
  const double read = ground.run(workload).at(0).number("cache_read_mean_ms");
  CHECK(read == doctest::Approx(3000 * 70272.0 / 44e9 * 1e3).epsilon(0.01));   // the wire's latency beside it
}
