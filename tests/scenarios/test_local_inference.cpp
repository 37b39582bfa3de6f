// local_inference: closed forms of one user's tokens a second, what fits, and bad input.
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& keys) { return test::minimal(kCluster, R"({"kind": "local_inference", )" + keys + "}"); }

const std::string kPc = R"({"name": "pc", "memory": {"size": "100 GB", "rate": "200 GB/s"}, "compute_rate": "10 TFLOPS"})";
const std::string kMoe = R"({"name": "moe", "total_parameters": 160e9, "activated_parameters": 20e9, "routed_parameters": 150e9,
                             "routed_activated_parameters": 10e9, "cache_per_token": "100 kB"})";

std::string of(const std::string& model, const std::string& machine, const std::string& column, const std::string& weight = "0.5") {
  return "t/local_inference[model=" + model + ",machine=" + machine + ",weight_bytes=" + weight + "]/" + column;
}

}  // namespace

TEST_CASE("a token takes the time to read its weights and its cache") {
  const auto r = test::run(asking(R"("models": )" + kMoe + R"(, "machines": )" + kPc + R"(, "context": 10000, "efficiency": 0.5)"));
  // 20e9 x 0.5 B + 10,000 x 100 kB = 11 GB over half of 200 GB/s: 110 ms. 2 x 20e9 operations at half of 10 TFLOPS: 8 ms.
  CHECK(cell_of(r, of("moe", "pc", "read_GB")) == Approx(11).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "pc", "memory_ms")) == Approx(110).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "pc", "compute_ms")) == Approx(8).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "pc", "tokens_per_s")) == Approx(1 / 0.11).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "pc", "weights_GB")) == Approx(80).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "pc", "fits")) == 1);   // 81 of 90 GB
}

TEST_CASE("a memory that was measured is read at that rate, and slow arithmetic decides where there is little to read") {
  const std::string machine = R"({"name": "slow", "memory": {"size": "100 GB", "rate": "200 GB/s", "reached": "160 GB/s"}, "compute_rate": "0.5 TFLOPS"})";
  const auto r = test::run(asking(R"("models": )" + kMoe + R"(, "machines": )" + machine + R"(, "context": 0)"));
  CHECK(cell_of(r, of("moe", "slow", "memory_ms")) == Approx(10e9 / 160e9 * 1e3).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "slow", "compute_ms")) == Approx(2 * 20e9 / (0.8 * 0.5e12) * 1e3).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "slow", "tokens_per_s")) == Approx(10).epsilon(1e-12));
}

TEST_CASE("routed experts in a memory of their own take turns with the rest") {
  const std::string machine = R"({"name": "server", "memory": {"size": "24 GB", "rate": "1000 GB/s"}, "for_experts": {"size": "100 GB", "rate": "250 GB/s"}})";
  const auto r = test::run(asking(R"("models": )" + kMoe + R"(, "machines": )" + machine + R"(, "context": 0)"));
  // 5 GB at 800 GB/s and 5 GB at 200 GB/s: 6.25 + 25 ms. The GPU holds 5 GB, the other memory 75 of 90 GB.
  CHECK(cell_of(r, of("moe", "server", "memory_ms")) == Approx(31.25).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "server", "tokens_per_s")) == Approx(32).epsilon(1e-12));
  CHECK(cell_of(r, of("moe", "server", "fits")) == 1);
  const auto large = test::run(asking(R"("models": )" + kMoe + R"(, "machines": )" + machine + R"(, "weight": ["0.5 B", "1 B"], "context": 0)"));
  CHECK(cell_of(large, of("moe", "server", "fits")) == 1);
  CHECK(cell_of(large, of("moe", "server", "fits", "1")) == 0);
  CHECK(cell_of(large, of("moe", "server", "too_much_GB", "1")) == Approx(150 - 90).epsilon(1e-12));
}

TEST_CASE("a model by name is read as its activated parameters, and a GPU stands for its memory") {
  const auto r = test::run(asking(R"("models": "deepseek-v3", "machines": ["h800", "xeon_4090"], "weight": "1 B", "context": 1000)"));
  CHECK(cell_of(r, of("deepseek-v3", "h800", "params_B", "1")) == Approx(671.0264192).epsilon(1e-12));
  CHECK(cell_of(r, of("deepseek-v3", "h800", "activated_B", "1")) == Approx(36.626).epsilon(1e-4));
  CHECK(cell_of(r, of("deepseek-v3", "h800", "fits", "1")) == 0);
  CHECK(cell_of(r, of("deepseek-v3", "h800", "too_much_GB", "1")) == Approx(671.0264192 + 0.070272 - 0.9 * 84.943110144).epsilon(1e-12));
  // Eight experts of 58 layers are 20.43e9 parameters at 0.8 x 614.4 GB/s, the rest and the cache at 0.8 x 1008.
  const double routed = 8 * 58 * 44040192.0, rest = cell_of(r, of("deepseek-v3", "h800", "activated_B", "1")) * 1e9 - routed + 70272e3;
  CHECK(cell_of(r, of("deepseek-v3", "xeon_4090", "memory_ms", "1")) == Approx((routed / 614.4e9 + rest / 1008e9) / 0.8 * 1e3).epsilon(1e-9));
}

TEST_CASE("the shipped scenario: nearly 20 tokens a second on a PC, twice that on a faster one, single-digit for a dense 70B; misses are named") {
  const Scenario shipped = load_scenario(test::data().find("scenarios", "local_inference_pc").string(), {});
  auto r = run_scenario(shipped, test::data(), {});
  check_expectations(shipped, r);
  CHECK(r.expectations.size() >= 7);
  for (const auto& e : r.expectations) {
    CAPTURE(e.of);
    CAPTURE(e.source);
    CHECK(e.pass == (e.of.find("/server[") == std::string::npos));
  }
}

TEST_CASE("what is wrong in the question is told at its key") {
  const auto says = [](const std::string& keys, const std::string& part) {
    const std::string text = test::error_of(asking(keys));
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string pc = R"(, "machines": )" + kPc;
  says(R"("models": "deepseek-v9")" + pc, "/workload/0/models: unknown name \"deepseek-v9\"");
  says(R"("models": ["deepseek-v3", "deepseek-v3"])" + pc, "/workload/0/models/1: \"deepseek-v3\" stands here already");
  says(R"("models": {"name": "m", "total_parameters": 1e9, "activated_parameters": 2e9})" + pc, "/workload/0/models/activated_parameters: 2e+09 are more than the 1e+09 of total_parameters");
  says(R"("models": {"name": "m", "total_parameters": 1e9})" + pc, "/workload/0/models/activated_parameters");
  says(R"("models": [])" + pc, "/workload/0/models: expected at least one");
  says(R"("models": "deepseek-v3", "machines": "ryzen")", "/workload/0/machines: unknown name \"ryzen\"");
  says(R"("models": "deepseek-v3", "machines": {"name": "x", "memory": {"size": "1 GB", "rate": "1 GB/s", "reached": "2 GB/s"}})", "/workload/0/machines/memory/reached: is more than its rate");
  says(R"("models": "deepseek-v3", "weight": "0 B")" + pc, "/workload/0/weight");
  says(R"("models": "deepseek-v3", "efficiency": 1.2)" + pc, "/workload/0/efficiency");
}
