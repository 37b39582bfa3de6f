// prefill: layers of a unit on the engine against max-plus arithmetic, and what a prefix cache saves.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/workload_runs.h"
#include "workloads/inference/layer_times.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads::inference;

namespace {

const char* const kSmall = R"({"kind": "prefill", "ep": 16, "redundant": 32, "tokens_per_gpu": 8192, "check_memory": false})";

}  // namespace

TEST_CASE("with exchanges hidden a layer is twice the pieces of a micro-batch") {
  const Ground ground(mpft, 2, "h800", "infiniband");
  const Row row = ground.run(kSmall).at(0);
  CHECK(row.number("exposed_us") == doctest::Approx(0).epsilon(1e-6));
  CHECK(row.number("layer_us") == doctest::Approx(2 * (row.number("attention_us") + row.number("shared_us") + row.number("experts_us"))));
}

TEST_CASE("without overlap the exchanges are exposed and the kernels have all SMs") {
  const Ground ground(mpft, 2, "h800", "infiniband");
  Json json = Json::parse(kSmall);
  json["overlap"] = "none";
  const Row row = ground.run(json.dump()).at(0), beside = ground.run(kSmall).at(0);
  CHECK(row.number("exposed_us") == doctest::Approx(row.number("dispatch_us") + row.number("combine_us")).epsilon(1e-6));
  CHECK(row.number("computing_us") < beside.number("computing_us"));   // 132 SMs against 108
  CHECK(row.number("layer_us") > beside.number("layer_us"));
}

TEST_CASE("exchanges of prefill take what DeepEP's normal kernels take for as many tokens") {
  // One model for both: 4,096 tokens of each of 16 ranks, the gate and its groups alike.
  const Ground ground(mpft, 2, "h800", "infiniband");
  const Row row = ground.run(kSmall).at(0);
  const std::string exchange = R"(, "ep": 16, "tokens": 4096, "experts": 288, "gate": "v3", "n_groups": 8, "topk_groups": 4, "draw": "expected"})";
  CHECK(row.number("dispatch_us") == doctest::Approx(ground.number(R"({"kind": "deepep_dispatch")" + exchange, "time_us")).epsilon(1e-3));
  CHECK(row.number("combine_us") == doctest::Approx(ground.number(R"({"kind": "deepep_combine")" + exchange, "time_us")).epsilon(1e-3));
}

TEST_CASE("a cached prefix saves its linear work and the square of its attention") {
  // Of a prompt of P tokens with a part h cached, attention has P^2 (1 - h^2) / 2 pairs: at h = 1/2 three quarters of them for half of the tokens.
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["prompt"] = 8192, json["cached"] = 0.5;
  const Row half = ground.run(json.dump()).at(0);
  CHECK(half.number("prompt_tokens_per_s_node") == doctest::Approx(2 * half.number("tokens_per_s_node")));
  json["cached"] = 0;
  const Row none = ground.run(json.dump()).at(0);
  CHECK(half.number("tokens_per_s_node") < none.number("tokens_per_s_node"));               // each new token sees more
  CHECK(half.number("prompt_tokens_per_s_node") > 1.3 * none.number("tokens_per_s_node"));   // and yet prompts come faster
}

TEST_CASE("longer prompts cost attention more for the same tokens") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["prompt"] = {1024, 4096, 8192};
  const std::vector<Row> rows = ground.run(json.dump());
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].number("attention_us") < rows[1].number("attention_us"));
  CHECK(rows[1].number("attention_us") < rows[2].number("attention_us"));
  CHECK(rows[0].number("experts_us") == doctest::Approx(rows[2].number("experts_us")));
}

TEST_CASE("without an exchange kernels have all SMs") {
  const Ground ground(mpft, 1);
  const char* const one = R"({"kind": "prefill", "gpus": 1, "ep": 1, "redundant": 0, "tokens_per_gpu": 4096, "check_memory": false, "communication_sms": )";
  CHECK(ground.number(std::string(one) + "24}", "layer_us") == doctest::Approx(ground.number(std::string(one) + "0}", "layer_us")));
}

TEST_CASE("prefill fills the cache of the MTP module too: a layer more, with its projection and head") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  const Row without = ground.run(json.dump()).at(0);
  json["mtp"] = 1;
  const Row with = ground.run(json.dump()).at(0);
  const double more = with.number("pass_ms") - without.number("pass_ms");
  CHECK(more > without.number("layer_us") * 1e-3);
  CHECK(more < 1.2 * without.number("layer_us") * 1e-3);
  CHECK(with.number("kv_tokens") < without.number("kv_tokens"));
}

TEST_CASE("GPUs that share heads sum over each other in dense layers too") {
  const Ground ground(mpft, 2);
  Json json = Json::parse(kSmall);
  json["tp"] = 2;
  const Row row = ground.run(json.dump()).at(0);
  // Three dense layers of two micro-batches have six of the sums that a layer with experts has two of; the rest is computing, which no network changes.
  json["communication"] = false;
  const double sums = row.number("outside_ms") - ground.run(json.dump()).at(0).number("outside_ms");
  CHECK(sums == doctest::Approx(6 * row.number("tensor_sum_us") * 1e-3).epsilon(1e-6));
}
