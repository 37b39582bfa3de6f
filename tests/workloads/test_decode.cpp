// decode: layers of a unit on the engine against max-plus arithmetic, memory, MTP, and what a user sees.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fold_checks.h"
#include "tests/support/workload_runs.h"
#include "tests/workloads/layer_setups.h"
#include "workloads/inference/layer_times.h"
#include "workloads/inference/mtp.h"
#include "workloads/inference/stage_model.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads::inference;

namespace {

const char* const kSmall = R"({"kind": "decode", "ep": 16, "redundant": 0, "requests": 64, "context": 2000, "check_memory": false})";

}  // namespace

TEST_CASE("a layer on the engine takes what its pieces and its exchanges give in max-plus arithmetic") {
  const Ground ground(mpft, 2, "h800", "infiniband");
  topology::Router asked(ground.fabric, ground.routing);
  const workloads::ClusterView view = ground.view(asked);
  for (const char* overlap : {"five_stages", "none"}) {
    Json json = Json::parse(kSmall);
    json["overlap"] = overlap;
    const Row row = ground.run(json.dump()).at(0);
    for (const char* key : {"kind", "requests", "context", "check_memory"}) json.erase(key);
    const auto setup = std::make_shared<const LayerSetup>(setup_from(json.dump(), Stage::decode));
    const LayerTimes times(setup, view);
    const PassTime pass = times.pass(micro_batch_of(*setup, DecodeLoad{64, 64 * 2000}));
    CHECK(row.number("layer_us") == doctest::Approx(pass.layer.value() * 1e6).epsilon(1e-6));
    CHECK(row.number("pass_ms") == doctest::Approx(pass.total.value() * 1e3).epsilon(1e-6));
  }
}

TEST_CASE("exchanges of decode take what DeepEP's low-latency kernels take") {
  // 64 requests with a draft each are 128 tokens in each of two micro-batches of 64: half of DeepEP's 128 tokens a rank; of 256 requests all of them.
  // DeepEP's README at d8dd185: EP16, 128 tokens: 118 us dispatch, 195 us combine (fitted within 2.7 %; there 10 of 1,024 selections are masked).
  const Ground ground(mpft, 2, "h800", "infiniband");
  Json json = Json::parse(kSmall);
  json["requests"] = 256;
  const Row row = ground.run(json.dump()).at(0);
  CHECK(row.number("dispatch_us") == doctest::Approx(118).epsilon(0.04));
  CHECK(row.number("combine_us") == doctest::Approx(195).epsilon(0.04));
}

TEST_CASE("a GPU with more rows than the mean makes all wait, in its experts and at its NIC")  {
  const Ground ground(mpft, 2, "h800", "infiniband");
  Json json = Json::parse(kSmall);
  json["requests"] = 256;
  const Row even = ground.run(json.dump()).at(0);
  json["balance"] = 1.5;
  const Row uneven = ground.run(json.dump()).at(0);
  CHECK(uneven.number("max_over_mean") == doctest::Approx(1.5));
  CHECK(uneven.number("experts_us") > even.number("experts_us"));
  CHECK(uneven.number("dispatch_us") > 1.2 * even.number("dispatch_us"));   // its NIC takes 1.5 times the bytes
  CHECK(uneven.number("layer_us") > even.number("layer_us"));
  CHECK(uneven.number("shared_us") == doctest::Approx(even.number("shared_us")));
}

TEST_CASE("what a user sees follows from the step") {
  const Ground ground(mpft, 2);
  const Row row = ground.run(kSmall).at(0);
  const double step = row.number("pass_ms");
  CHECK(row.number("tpot_ms") == doctest::Approx(step));
  CHECK(row.number("user_tokens_per_s") == doctest::Approx(1000 / step));
  CHECK(row.number("tokens_per_s_gpu") == doctest::Approx(64 * 1000 / step));
  CHECK(row.number("tokens_per_s_node") == doctest::Approx(8 * 64 * 1000 / step));
  CHECK(row.number("layers_ms") + row.number("outside_ms") == doctest::Approx(step));
  CHECK(row.number("layers_ms") == doctest::Approx(58 * row.number("layer_us") * 1e-3));   // 61 layers, 3 of them dense
}

TEST_CASE("without communication exchanges cost nothing, and a layer is its computing") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["communication"] = false;
  const Row row = ground.run(json.dump()).at(0);
  CHECK(row.number("exposed_us") == doctest::Approx(0));
  CHECK(row.number("layer_us") == doctest::Approx(row.number("computing_us")));
}

TEST_CASE("a draft token gives 1 + p tokens a step, and costs more computing") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["mtp"] = 1, json["acceptance"] = 0.8;
  const Row with = ground.run(json.dump()).at(0);
  CHECK(with.number("tokens_per_step") == doctest::Approx(1.8));
  CHECK(with.number("mtp_cost") > 1);
  CHECK(with.number("mtp_speedup") == doctest::Approx(1.8 / with.number("mtp_cost")));
  CHECK(with.number("mtp_break_even") == doctest::Approx(with.number("mtp_cost") - 1));
  const Row without = ground.run(kSmall).at(0);
  CHECK(with.number("pass_ms") == doctest::Approx(with.number("mtp_cost") * without.number("pass_ms")).epsilon(1e-6));
}

TEST_CASE("MTP's arithmetic: 1.85 tokens at 1.028 times the cost are 1.8 times as fast, and a draft that costs more than it brings does not pay") {
  CHECK(mtp_tokens(1, 0.85) / 1.028 == doctest::Approx(1.8).epsilon(0.01 / 1.8));   // arXiv:2505.09343 2.3.3: 1.8 at 80-90 %
  CHECK(mtp_tokens(0, 0.85) == 1);
  CHECK(mtp_tokens(3, 0.5) == doctest::Approx(1 + 0.5 + 0.25 + 0.125));
  CHECK(*mtp_break_even(1, 1.4) == doctest::Approx(0.4));
  CHECK(*mtp_break_even(2, 1.75) == doctest::Approx(0.5));   // 1 + p + p^2 = 1.75
  CHECK(!mtp_break_even(1, 2.1));
  CHECK(*mtp_break_even(1, 0.9) == 0);
}

TEST_CASE("a batch that does not fit in memory is refused and says by how much") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["check_memory"] = true, json["requests"] = 200, json["context"] = 8192;
  try {
    ground.run(json.dump());
    FAIL("expected a UserError");
  } catch (const UserError& e) {
    CHECK(e.problems().front().place == "/requests/0");
    CHECK(e.problems().front().message.find("GB") != std::string::npos);
  }
}

TEST_CASE("shared heads: a sum over the GPUs of a group is added, and attention has a part of the heads") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["tp"] = 4;
  const Row row = ground.run(json.dump()).at(0);
  // 32 requests a micro-batch of 7168 BF16 elements, of which each GPU sends 2 * 3 / 4: 0.69 MB at 160 GB/s, beside a start of 8.4 + 6 * 3.4 us.
  CHECK(row.number("tensor_sum_us") == doctest::Approx(8.4 + 6 * 3.4 + 1.5 * 32 * 7168 * 2 / 160e3).epsilon(0.01));
  CHECK(row.number("attention_after_us") < ground.run(kSmall).at(0).number("attention_after_us"));
}

TEST_CASE("a dense model decodes without exchanges") {
  const Ground ground(mpft, 1);
  const Row row = ground.run(R"({"kind": "decode", "model": "llama-3.1-405b", "tp": 8, "requests": 8, "context": 1000, "check_memory": false})").at(0);
  CHECK(row.find("dispatch_us") == nullptr);
  CHECK(row.number("layers_ms") == doctest::Approx(126 * row.number("layer_us") * 1e-3));
}

TEST_CASE("acceptance without drafts is a mistake, and so is a unit larger than the cluster") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["acceptance"] = 0.9;
  CHECK_THROWS_AS(ground.run(json.dump()), UserError);
  json = Json::parse(kSmall);
  json["ep"] = 32;
  CHECK_THROWS_AS(ground.run(json.dump()), UserError);
}

TEST_CASE("GPUs that are alike are simulated once, and nothing changes by it") {
  const Ground ground(mpft, 4, "h800", "infiniband");
  const char* const unit = R"({"kind": "decode", "ep": 32, "redundant": 0, "requests": 64, "context": 2000, "layers": 3, "check_memory": false})";
  CHECK(simulated(fold_and_full(ground, unit)) == 1);
  // With unequal experts every GPU is itself.
  Json json = Json::parse(unit);
  json["balance"] = 1.5;
  CHECK(simulated(fold_and_full(ground, json.dump())) == 0);
}

TEST_CASE("a stage of a server has the unit's memory and its times") {
  const Ground ground(mpft, 2, "h800", "infiniband");
  topology::Router asked(ground.fabric, ground.routing);
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json(R"({"model": "deepseek-v3", "ep": 16, "redundant": 0, "fp8_cache": true, "memory_part": 0.99, "mtp": 1})", "test.json");
  Problems problems;
  JsonReader where(value, "test.json", problems, "/workload/0/decode");
  const auto stage = read_stage_model(where, {&data, 1, shipped_times}, Stage::decode);
  problems.throw_if_any();
  const Unit unit = stage->unit();
  CHECK(unit.nodes == 2);
  CHECK(unit.groups == 16);
  CHECK(unit.drafts == 1);
  const auto times = stage->times(ground.view(asked));
  CHECK(times->decode({}).value() == 0);
  // Monotone in both, and a step of one block of the cache is as long as of a part of it.
  CHECK(times->decode({64, 64 * 2000}).value() > times->decode({32, 32 * 2000}).value());
  CHECK(times->decode({64, 64 * 4000}).value() > times->decode({64, 64 * 2000}).value());
  CHECK(times->decode({64, 64 * 1921}).value() == times->decode({64, 64 * 1984}).value());
}

TEST_CASE("a stage that does not fit in memory says by how much") {
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json(R"({"model": "deepseek-v3", "ep": 8, "redundant": 0})", "test.json");
  Problems problems;
  JsonReader where(value, "test.json", problems, "/workload/0/decode");
  CHECK(read_stage_model(where, {&data, 1, shipped_times}, Stage::decode) == nullptr);
  REQUIRE(!problems.empty());
  CHECK(problems.list().front().message.find("too much") != std::string::npos);
}

TEST_CASE("one request is not divided into micro-batches") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["requests"] = 1;
  const double alone = ground.run(json.dump()).at(0).number("pass_ms");
  json["overlap"] = "none";
  CHECK(alone == doctest::Approx(ground.run(json.dump()).at(0).number("pass_ms")));
}

TEST_CASE("more tokens than the model takes are refused, and a batch that does not fit is shown only where asked for") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["context"] = 163841;   // max_position_embeddings of DeepSeek-V3 is 163,840
  CHECK_THROWS_AS(ground.run(json.dump()), UserError);
  json["context"] = 100000;   // 64 of them are 6.4 M tokens; the cache has room for less than a million
  CHECK(std::get<bool>(*ground.run(json.dump()).at(0).find("fits")) == false);
  json["check_memory"] = true;
  CHECK_THROWS_AS(ground.run(json.dump()), UserError);
}
