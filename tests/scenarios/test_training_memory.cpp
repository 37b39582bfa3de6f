// training_memory: DeepSeek-V3's and Llama's layouts through a scenario, and the reference checks about memory.
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

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& keys) { return test::minimal(kCluster, R"({"kind": "training_memory", )" + keys + "}"); }

const std::string kDeepSeek = R"("gpu": "h800", "model": "deepseek-v3", "schedule": "dualpipe", "pp": 16, "ep": 64, "global_batch": 15360)";

std::string of(int rank, const std::string& column) { return "t/training_memory[rank=" + std::to_string(rank) + "]/" + column; }

bool any_starts(const std::vector<std::string>& texts, const std::string& start) {
  for (const std::string& t : texts) {
    if (t.starts_with(start)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("training_memory has a row a pipeline rank, whose parts add up to its total") {
  const auto r = test::run(asking(kDeepSeek + R"(, "gpus": 2048)"));
  REQUIRE(r.tables[0].rows.size() == 16);
  for (int rank = 0; rank < 16; ++rank) {
    double parts = rank == 0 || rank == 15 ? cell_of(r, of(rank, "logits_GB")) : 0;
    for (const char* part : {"weights_GB", "gradients_GB", "optimizer_GB", "activations_GB", "buffers_GB"}) parts += cell_of(r, of(rank, part));
    CHECK(cell_of(r, of(rank, "total_GB")) == Approx(parts).epsilon(1e-12));
    CHECK(cell_of(r, of(rank, "fits")) == 1);
    CHECK(cell_of(r, of(rank, "chunks")) == 17);
  }
  CHECK(cell_of(r, of(7, "memory_pct")) == Approx(100 * cell_of(r, of(7, "total_GB")) * 1e9 / 84943110144).epsilon(1e-12));
  CHECK(r.warnings.empty());
  CHECK(any_starts(r.notes, "an MoE layer of deepseek-v3 keeps 635.4 MB of a micro-batch (recompute selective): residuals 117.4, latents 17.3"));
  bool assumed = false;   // what nobody published is in the result as such
  for (const ConstantUsed& c : r.constants) assumed = assumed || (c.name == "activations deepseek_v3: buffers" && c.value == "5 GB" && c.origin == Origin::assumed);
  CHECK(assumed);
}

TEST_CASE("the reference checks about memory: C098 635 of 636.1 MB, C099 70.7 and 73.6 of 73.6 GB, C101 the H800's memory") {
  const char* folder = std::getenv("WEFT_REFERENCE");
  const std::filesystem::path file = std::filesystem::path(folder == nullptr ? "" : folder) / "spec" / "compute_checks.json";
  if (!std::filesystem::exists(file)) std::exit(77);
  std::map<std::string, Json> checks;
  for (const Json& record : read_json_file(file.string())) checks[record["id"].get<std::string>()] = record;
  const auto r = test::run(asking(kDeepSeek + R"(, "gpus": 2048)")), over_dp = test::run(asking(kDeepSeek + R"(, "dp": 128, "optimizer": {"over": "dp"})"));
  const auto meets = [&](const char* id, double got) {
    CAPTURE(id);
    CHECK(std::abs(got / checks[id]["expected"].get<double>() - 1) <= checks[id]["tolerance"].get<double>());
  };
  meets("C098", cell_of(r, of(7, "moe_layer_MB")));
  meets("C099", cell_of(r, of(7, "total_GB")));
  meets("C099", cell_of(over_dp, of(7, "total_GB")));
  CHECK(cell_of(r, of(7, "total_GB")) / cell_of(r, of(7, "memory_pct")) * 100 == Approx(checks["C101"]["expected"][0].get<double>() * 1e-9).epsilon(1e-12));
}

TEST_CASE("what does not fit is a warning with its way out, and a row says what lacks") {
  const auto r = test::run(asking(kDeepSeek + R"(, "gpus": 2048, "recompute": "none")"));
  REQUIRE(r.warnings.size() == 1);
  CHECK(r.warnings[0].starts_with("deepseek-v3 on 2048 h800 does not fit: rank 1 needs"));
  CHECK(cell_of(r, of(7, "fits")) == 0);
  CHECK(cell_of(r, of(7, "too_much_GB")) == Approx(cell_of(r, of(7, "total_GB")) - 84.943110144).epsilon(1e-12));
}

TEST_CASE("the peak may be given: chunks are then that many on each rank") {
  const auto r = test::run(asking(kDeepSeek + R"(, "gpus": 2048, "peak_chunks": 8.5)"));
  CHECK(cell_of(r, of(7, "chunks")) == 8.5);
  CHECK(cell_of(r, of(7, "activations_GB")) == Approx(8.5 * 4 * 0.635437056).epsilon(1e-12));
  CHECK_FALSE(any_starts(r.notes, "schedule"));
}

TEST_CASE("the resolved scenario tells what was left to defaults, and asks the same question again") {
  const auto r = test::run(asking(kDeepSeek + R"(, "gpus": 2048)"));
  Json resolved = (*r.input)["resolved"][0]["workload"][0];
  resolved.erase("constants");
  CAPTURE(resolved.dump());
  CHECK(resolved["dp"] == 128);
  CHECK(resolved["micro_batches"] == 120);
  CHECK(resolved["recompute"] == "selective");
  CHECK(resolved["optimizer"] == Json({{"master", "fp32"}, {"moments", "bf16"}, {"over", "copies"}}));
  CHECK(resolved["stages"][0] == Json({{"embedding", true}, {"dense_layers", 3}, {"moe_layers", 1}}));
  CHECK(resolved["stages"].size() == 16);
  const auto again = test::run(test::minimal(kCluster, resolved.dump()));
  CHECK(cell_of(again, of(3, "total_GB")) == cell_of(r, of(3, "total_GB")));
}

TEST_CASE("wrong keys are told at their place, and a mistake in one makes no other unknown") {
  const auto says = [&](const std::string& keys, const std::string& part) {
    const std::string text = test::error_of(asking(keys));
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
    CHECK(text.find("unknown key") == std::string::npos);
  };
  says(R"("gpu": "h801", "model": "deepseek-v3", "pp": 16, "ep": 64, "dp": 128, "stages": "auto", "optimizer": {}, "peak_chunks": 3, "weights": "fp8")", "/workload/0/gpu: unknown name \"h801\"");
  says(R"("gpu": "h800", "model": "deepseek-v3")", "/workload/0/dp: is due where nothing says how many GPUs there are");
  says(kDeepSeek + R"(, "gpus": 2000)", "/workload/0/ep: 64 does not divide the 125 GPUs of a pipeline stage");
  says(R"("gpu": "h800", "model": "deepseek-v3", "dp": 1, "schedule": "dualpipes")", "/workload/0/schedule: unknown word \"dualpipes\" (did you mean \"dualpipe\"?");
  says(kDeepSeek + R"(, "gpus": 2048, "chunks": 2)", "/workload/0/chunks: dualpipe says itself how many stages a rank holds");
  says(R"("gpu": "h800", "model": "deepseek-v3", "schedule": "dualpipe", "pp": 16, "dp": 1, "micro_batches": 24)", "/workload/0/micro_batches: expected at least 2 PP = 32 micro-batches, got 24");
  says(R"("gpu": "h800", "model": "deepseek-v3", "schedule": "interleaved_1f1b", "chunks": 1, "dp": 1)", "/workload/0/chunks");
  says(kDeepSeek + R"(, "gpus": 2048, "peak_chunks": -1)", "/workload/0/peak_chunks");
  says(kDeepSeek + R"(, "gpus": 2048, "activations": {"extends": "bf16", "residual": 2})", "/workload/0/activations/residual");
  says(R"("gpu": "h800", "model": "deepseek-v3", "schedule": "interleaved_1f1b", "chunks": 4, "pp": 16, "dp": 1)", "/workload/0/pp: 64 stages are more than the 61 layers");
}

TEST_CASE("DeepSeek-V3 and Llama 3.1 405B fit as they were trained, and all else that the shipped scenario expects holds") {
  const Scenario shipped = load_scenario(test::data().find("scenarios", "training_memory").string(), {});
  auto r = run_scenario(shipped, test::data(), {});
  check_expectations(shipped, r);
  CHECK(r.expectations.size() >= 9);
  for (const auto& e : r.expectations) {
    CAPTURE(e.of);
    CHECK(e.pass);
  }
  for (int rank = 0; rank < 16; ++rank) {
    const std::string at = "/memory[rank=" + std::to_string(rank) + "]/fits";
    CHECK(cell_of(r, "DeepSeek-V3" + at) == 1);
    CHECK(cell_of(r, "Llama 3.1 405B" + at) == 1);
    CHECK(cell_of(r, "no recomputation" + at) == 0);
  }
}

TEST_CASE("Table 2's activations and parameters and the estimates of memory are validated") {
  ValidationOptions o;
  o.topic = "memory";
  const auto rows = validate(test::data(), o);
  CHECK(rows.size() >= 5);
  for (const ValidationRow& r : rows) {
    CAPTURE(r.id);
    CHECK_FALSE(r.missed());
    CHECK(r.workload == "training_memory");
  }
}
