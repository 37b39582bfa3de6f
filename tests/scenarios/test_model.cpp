// model: Tables 1 and 2 of arXiv:2505.09343 through a scenario.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "scenarios/studies/validate.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& models) { return test::minimal(kCluster, R"({"kind": "model", "models": )" + models + "}"); }

std::map<std::string, ValidationRow> validated() {
  ValidationOptions o;
  o.topic = "models";
  std::map<std::string, ValidationRow> rows;
  for (const ValidationRow& r : validate(test::data(), o)) rows[r.id] = r;
  return rows;
}

}  // namespace

TEST_CASE("model counts DeepSeek-V3: 671 billion parameters, 70,272 bytes and 249.81 GFLOP a token") {
  const auto r = test::run(asking(R"("deepseek-v3")"));
  CHECK(cell_of(r, "t/model[model=deepseek-v3]/params_B") == 671.0264192);
  CHECK(cell_of(r, "t/model[model=deepseek-v3]/kv_bytes_per_token") == 70272);
  CHECK(cell_of(r, "t/model[model=deepseek-v3]/kv_fp8_bytes_per_token") == 656 * 61);
  CHECK(cell_of(r, "t/model[model=deepseek-v3]/train_GFLOP_per_token_causal") == doctest::Approx(249.81).epsilon(4e-5));
  CHECK(cell_of(r, "t/model[model=deepseek-v3]/train_GFLOP_per_token") == doctest::Approx(280.51).epsilon(4e-5));
  CHECK(!r.constants.empty());
}

TEST_CASE("model takes a config in place, and says what it filled in") {
  const auto r = test::run(asking(R"([{"name": "mine", "config": {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 8, "vocab_size": 10,
    "num_attention_heads": 2, "intermediate_size": 16}}])"));
  // Embedding and head 2 x 80; a layer 4 x 64 + 3 x 128 and two norms of 8; one norm at the end.
  CHECK(cell_of(r, "t/model[model=mine]/params_B") == doctest::Approx((160 + 2 * (256 + 384 + 16) + 8) / 1e9));
  REQUIRE(!r.notes.empty());
  CHECK(r.notes[0].find("model mine: \"tie_word_embeddings\"") == 0);
}

TEST_CASE("the answer is in the digest: another config gives another one") {
  const auto digest = [](const std::string& layers) {
    const auto r = test::run(asking(R"({"name": "mine", "config": {"model_type": "llama", "num_hidden_layers": )" + layers +
                                    R"(, "hidden_size": 8, "vocab_size": 10, "num_attention_heads": 2, "intermediate_size": 16}})"));
    return (*r.input)["digest"].get<std::string>();
  };
  CHECK(digest("2") == digest("2"));
  CHECK(digest("2") != digest("3"));
}

TEST_CASE("wrong models are told with their place in the scenario") {
  CHECK(test::error_of(asking(R"("deepseek-v4")")).find("/workload/0/models: unknown name \"deepseek-v4\"") != std::string::npos);
  CHECK(test::error_of(asking(R"(["deepseek-v3", "deepseek-v3"])")).find("/workload/0/models/1") != std::string::npos);
  CHECK(test::error_of(asking("[]")).find("/workload/0/models") != std::string::npos);
  CHECK(test::error_of(asking(R"([{"config": {"model_type": "rwkv"}}])")).find("/workload/0/models/0/config/model_type") != std::string::npos);
  CHECK(test::error_of(test::minimal(kCluster, R"({"kind": "model"})")).find("/workload/0/models") != std::string::npos);
  CHECK(test::error_of(test::minimal(kCluster, R"({"kind": "model", "models": "deepseek-v3", "sequence": 0})")).find("/workload/0/sequence") != std::string::npos);
}

TEST_CASE("Tables 1 and 2 are validated, and what does not follow is shown and not counted") {
  const auto rows = validated();
  CHECK(rows.size() >= 9);
  for (const auto& [id, r] : rows) {
    CAPTURE(id);
    CHECK_FALSE(r.missed());
    CHECK(r.topology.empty());   // no network takes part
    CHECK(r.workload == "model");
  }
  for (const char* id : {"T1.V3.kv", "T1.Qwen.kv", "T1.LLaMA.kv"}) CHECK(rows.at(id).error_pct == 0);
  CHECK(std::abs(rows.at("T2.V3.train").error_pct) < 0.2);
  CHECK(std::abs(rows.at("T2.V2.train").error_pct) < 0.2);
  CHECK(rows.at("T2.LLaMA.train").error_pct == doctest::Approx(1.03).epsilon(0.01));
  CHECK(rows.at("T2.Qwen.train").error_pct == doctest::Approx(12.9).epsilon(0.01));
  CHECK(rows.at("T1.LLaMA.multiplier").predicted == doctest::Approx(7.344).epsilon(1e-4));
  for (const auto& [id, r] : rows) CHECK(r.not_reproducible.empty() == (id != "T2.Qwen.train" && id != "T1.LLaMA.multiplier"));
}

TEST_CASE("a number that cannot be reproduced has a reason, and no tolerance beside it") {
  const auto expecting = [](const std::string& more) {
    return R"({"title": "t", "cluster": {)" + kCluster + R"(}, "workload": [{"kind": "model", "models": "deepseek-v3"}],
      "expect": [{"of": "t/model[model=deepseek-v3]/params_B", "value": 1, "source": "s", )" + more + "}]}";
  };
  CHECK(test::error_of(expecting(R"("not_reproducible": "")")).find("/expect/0/not_reproducible") != std::string::npos);
  CHECK(test::error_of(expecting(R"("not_reproducible": "why", "tolerance_pct": 5)")).find("/expect/0/not_reproducible") != std::string::npos);
  const Scenario s = test::scenario(expecting(R"("not_reproducible": "why")"));
  auto r = run_scenario(s, test::data(), {});
  check_expectations(s, r);
  REQUIRE(r.expectations.size() == 1);
  CHECK_FALSE(r.expectations[0].pass);
  CHECK_FALSE(r.expectations[0].missed());
  CHECK(r.expectations[0].not_reproducible == "why");
}
