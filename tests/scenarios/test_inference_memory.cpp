// inference_memory: a row a deployment whose parts add up, what does not fit, and bad input.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& keys) { return test::minimal(kCluster, R"({"kind": "inference_memory", )" + keys + "}"); }

const std::string kV3 = R"("gpu": "h800", "model": "deepseek-v3")";

std::string of(const std::string& deployment, const std::string& column) { return "t/inference_memory[deployment=" + deployment + "]/" + column; }

}  // namespace

TEST_CASE("the parts of a deployment add up, and what they leave of the usable memory is the cache's") {
  const auto r = test::run(asking(kV3 + R"(, "context": 4989, "deployments": [{"stage": "prefill"}, {"mtp": 1}])"));
  REQUIRE(r.tables[0].rows.size() == 2);
  for (const std::string d : {"prefill ep32", "decode ep144"}) {
    double parts = d == "prefill ep32" ? 0 : cell_of(r, of(d, "absorbed_GB")) + cell_of(r, of(d, "mtp_GB"));
    for (const char* part : {"routed_experts_GB", "shared_experts_GB", "router_GB", "attention_GB", "dense_GB", "vocabulary_GB", "norms_GB"}) {
      parts += cell_of(r, of(d, part));
    }
    CHECK(cell_of(r, of(d, "weights_GB")) == Approx(parts).epsilon(1e-12));
    CHECK(cell_of(r, of(d, "usable_GB")) == Approx(0.9 * 84.943110144).epsilon(1e-12));
    CHECK(cell_of(r, of(d, "cache_GB")) == Approx(cell_of(r, of(d, "usable_GB")) - parts - 3).epsilon(1e-12));
    CHECK(cell_of(r, of(d, "cache_tokens")) == std::floor(cell_of(r, of(d, "cache_GB")) * 1e9 / cell_of(r, of(d, "cache_token_bytes"))));
    CHECK(cell_of(r, of(d, "requests")) == std::floor(cell_of(r, of(d, "cache_tokens")) / 4989));
    CHECK(cell_of(r, of(d, "fits")) == 1);
  }
  CHECK(cell_of(r, of("prefill ep32", "experts")) == 9);
  CHECK(cell_of(r, of("decode ep144", "experts")) == 2);
  CHECK(r.warnings.empty());
}

TEST_CASE("a single deployment has its keys beside the question's, and a dense model is one too") {
  const auto v3 = test::run(asking(kV3 + R"(, "ep": 320, "tp": 4)"));
  CHECK(cell_of(v3, of("decode ep320 tp4", "ep")) == 320);
  const auto dense = test::run(asking(R"("gpu": "h800", "model": "llama-3.1-405b", "tp": 16)"));
  CHECK(cell_of(dense, of("decode tp16", "cache_token_bytes")) == 516096 / 8);   // eight pairs of keys and values on sixteen GPUs
  CHECK(cell_of(dense, of("decode tp16", "fits")) == 1);
}

TEST_CASE("what does not fit is a warning with its way out, and the row says what lacks") {
  const auto r = test::run(asking(kV3 + R"(, "ep": 16, "context": 4989, "requests": 100)"));
  REQUIRE(r.warnings.size() == 1);
  CHECK(r.warnings[0].starts_with("deepseek-v3 on h800, decode ep16: does not fit: a GPU needs"));
  CHECK(r.warnings[0].find("it would fit with ep 48 on 48 GPUs") != std::string::npos);
  CHECK(cell_of(r, of("decode ep16", "fits")) == 0);
  CHECK(cell_of(r, of("decode ep16", "too_much_GB")) == Approx(cell_of(r, of("decode ep16", "asked_GB")) - cell_of(r, of("decode ep16", "cache_GB"))).epsilon(1e-9));
}

TEST_CASE("what is wrong in the question is told at its key") {
  const auto says = [](const std::string& keys, const std::string& part) {
    const std::string text = test::error_of(asking(keys));
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(R"("gpu": "h801", "model": "deepseek-v3")", "/workload/0/gpu: unknown name \"h801\"");
  says(kV3 + R"(, "ep": 100, "redundant": 0)", "/workload/0/redundant: 256 experts of deepseek-v3 and 0 redundant copies do not divide over ep 100");
  says(kV3 + R"(, "deployments": [{"ep": 32}, {"ep": 32}])", "/workload/0/deployments/1: a deployment \"decode ep32\" stands here already");
  says(kV3 + R"(, "deployments": [{"epp": 32}])", "/workload/0/deployments/0/epp: unknown key");
  says(kV3 + R"(, "deployments": [])", "/workload/0/deployments: expected a list of deployments");
  says(kV3 + R"(, "stage": "decoding")", "/workload/0/stage");
  says(kV3 + R"(, "requests": 0)", "/workload/0/requests");
}

TEST_CASE("the shipped scenario's expectations hold: production and profile fit") {
  const Scenario shipped = load_scenario(test::data().find("scenarios", "inference_memory").string(), {});
  auto r = run_scenario(shipped, test::data(), {});
  check_expectations(shipped, r);
  CHECK(r.expectations.size() >= 5);
  for (const auto& e : r.expectations) {
    CAPTURE(e.of);
    CHECK(e.pass);
  }
}
