// Deployments as scenarios give them: DeepSeek's production units by default, and what is told of bad ones.
#include <doctest/doctest.h>

#include "tests/workloads/training_layouts.h"
#include "workloads/inference/deployment_reading.h"

using namespace weft;
using namespace weft::workloads;
using namespace weft::workloads::inference;
using workloads::training::test::model;

namespace {

struct Given {
  Deployment deployment;
  Json resolved;
};

Given read(const std::string& json, Stage stage, const std::string& name = "deepseek-v3") {
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json(json, "test.json");
  Problems problems;
  JsonReader where(value, "test.json", problems, "/workload/0");
  WorkloadContext context;
  context.data = &data;
  Parameters p(where, context);
  Given g;
  g.deployment = read_deployment(p, model(name), stage);
  where.done();
  problems.throw_if_any();
  g.resolved = *p.resolved();
  return g;
}

std::string error_of(const std::string& json, const std::string& name = "deepseek-v3") {
  try {
    read(json, Stage::decode, name);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("by default prefill has 32 GPUs and decode 144, each with 32 redundant experts (open-infra-index, day 6)") {
  const Deployment prefill = read("{}", Stage::prefill).deployment;
  CHECK(prefill.gpus == 32);
  CHECK(prefill.ep == 32);
  CHECK(prefill.redundant == 32);
  CHECK(prefill.stage == Stage::prefill);
  const Deployment decode = read("{}", Stage::decode).deployment;
  CHECK(decode.gpus == 144);
  CHECK(decode.ep == 144);
  CHECK(decode.redundant == 32);
  CHECK(decode.tp == 1);
  CHECK(decode.groups() == 144);
  CHECK(decode.fp8);
  CHECK_FALSE(decode.fp8_cache);
}

TEST_CASE("GPUs and ep give each other, and copies are as many as divide") {
  CHECK(read(R"({"ep": 72})", Stage::decode).deployment.gpus == 72);
  CHECK(read(R"({"gpus": 32})", Stage::decode).deployment.ep == 32);
  CHECK(read(R"({"gpus": 288, "ep": 144})", Stage::decode).deployment.gpus == 288);
  CHECK(read(R"({"ep": 128})", Stage::decode).deployment.redundant == 0);    // the profile's: two experts a GPU
  CHECK(read(R"({"ep": 320, "tp": 4})", Stage::decode).deployment.redundant == 64);   // arXiv:2412.19437 section 3.4.2
  CHECK(read(R"({"ep": 320, "tp": 4})", Stage::decode).deployment.groups() == 80);
  const Deployment dense = read(R"({"tp": 8})", Stage::decode, "llama-3.1-405b").deployment;
  CHECK(dense.ep == 1);
  CHECK(dense.gpus == 8);
  CHECK(dense.redundant == 0);
  CHECK_FALSE(dense.fp8);
}

TEST_CASE("what was used is resolved, defaults too") {
  const Json r = read(R"({"mtp": 1, "workspace": "4 GiB"})", Stage::decode).resolved;
  CHECK(r["gpus"] == 144);
  CHECK(r["redundant"] == 32);
  CHECK(r["mtp"] == 1);
  CHECK(r["fp8"] == true);
  CHECK(r["memory_part"] == 0.9);
  CHECK(r["workspace"] == "4 GiB");
  for (const ColumnDoc& d : deployment_parameter_docs(Stage::decode)) CHECK(r.contains(d.name));
}

TEST_CASE("what is wrong is told at its key") {
  const auto says = [](const std::string& json, const std::string& part, const std::string& name = "deepseek-v3") {
    const std::string text = error_of(json, name);
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(R"({"ep": 0})", "/workload/0/ep");
  says(R"({"gpus": 100, "ep": 72})", "/workload/0/gpus: 100 is no multiple of ep 72");
  says(R"({"ep": 144, "redundant": 33})", "/workload/0/redundant: 256 experts of deepseek-v3 and 33 redundant copies do not divide over ep 144");
  says(R"({"memory_part": 1.5})", "/workload/0/memory_part");
  says(R"({"workspace": 3})", "/workload/0/workspace");
  says(R"({"mtp": 1, "ep": 32})", "/workload/0/mtp: deepseek-v2 has no MTP module", "deepseek-v2");
  says(R"({"ep": 8})", "/workload/0/ep: llama-3.1-405b has no experts", "llama-3.1-405b");
  says(R"({"tpp": 8})", "unknown key");
}
