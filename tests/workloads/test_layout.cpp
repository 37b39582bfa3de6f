// Training layouts: what a stage holds, who stands where, and what does not go together.
#include <doctest/doctest.h>

#include <numeric>
#include <set>

#include "models/llm/counts.h"
#include "tests/workloads/training_layouts.h"
#include "workloads/training/shares.h"

using namespace weft;
using namespace weft::workloads::training;
using test::deepseek;
using test::layout;
using test::model;

namespace {

std::uint32_t sum(const std::vector<StageContent>& stages, std::uint32_t StageContent::* member) {
  return std::accumulate(stages.begin(), stages.end(), 0u, [&](std::uint32_t n, const StageContent& s) { return n + s.*member; });
}

std::string problems_of(const models::Llm& m, const std::string& json, const std::string& schedule = "1f1b", std::uint32_t gpus = 0) {
  try {
    layout(m, json, schedule, gpus);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

bool says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("DeepSeek-V3 over 16 stages: embedding + 3 dense + 1 MoE, 14 times 4 MoE, 1 MoE + MTP + 2 heads") {
  // 61 layers + 1 MTP + 2 heads + 1 embedding = 65 = 16 x 4 + 1: the first stage gets the odd one.
  const auto stages = spread_evenly(model("deepseek-v3"), 16);
  REQUIRE(stages.size() == 16);
  CHECK(to_text(stages[0]) == "embedding + 3 dense + 1 MoE");
  for (std::size_t s = 1; s < 15; ++s) CHECK(to_text(stages[s]) == "4 MoE");
  CHECK(to_text(stages[15]) == "1 MoE + MTP + 2 heads");
}

TEST_CASE("Llama 3.1 405B over 16 stages has 7 layers in the first and the last, as published (arXiv:2407.21783 section 3.3.2)") {
  const auto stages = spread_evenly(model("llama-3.1-405b"), 16);
  CHECK(to_text(stages[0]) == "embedding + 7 dense");
  for (std::size_t s = 1; s < 15; ++s) CHECK(stages[s].dense_layers == 8);
  CHECK(to_text(stages[15]) == "7 dense + head");
}

TEST_CASE("whatever the model and the number of stages, everything is placed once and no stage is empty") {
  for (const char* name : {"deepseek-v3", "deepseek-v2", "qwen2.5-72b", "llama-3.1-405b"}) {
    const models::Llm m = model(name);
    for (std::uint32_t n = 1; n <= m.layers; ++n) {
      CAPTURE(name);
      CAPTURE(n);
      const auto stages = spread_evenly(m, n);
      CHECK(sum(stages, &StageContent::dense_layers) == m.dense_layers());
      CHECK(sum(stages, &StageContent::moe_layers) == m.moe_layers);
      CHECK(sum(stages, &StageContent::mtp_modules) == m.mtp_modules);
      CHECK(sum(stages, &StageContent::heads) == 1 + m.mtp_modules);
      bool moe_seen = false;
      std::uint32_t least = 1000, most = 0;   // layers of stages without embedding and heads
      for (std::uint32_t s = 0; s < n; ++s) {
        CHECK(stages[s].embedding == (s == 0));
        CHECK(to_text(stages[s]) != "nothing");
        CHECK_FALSE((moe_seen && stages[s].dense_layers > 0));
        moe_seen = moe_seen || stages[s].moe_layers > 0;
        if (s > 0 && s + 1 < n) least = std::min(least, stages[s].layers()), most = std::max(most, stages[s].layers());
      }
      if (n > 2) CHECK(most - least <= 1);
    }
  }
}

TEST_CASE("ranks hold stages as the schedules say: DualPipe r and PP-1-r, V shapes r and 2PP-1-r, interleaving every PP-th") {
  CHECK(stages_of_ranks(Arrangement::straight, 2) == StagesOfRank{{0}, {1}});
  CHECK(stages_of_ranks(Arrangement::bidirectional, 4) == StagesOfRank{{0, 3}, {1, 2}, {2, 1}, {3, 0}});
  CHECK(stages_of_ranks(Arrangement::vee, 2) == StagesOfRank{{0, 3}, {1, 2}});
  CHECK(stages_of_ranks(Arrangement::looped, 2, 3) == StagesOfRank{{0, 2, 4}, {1, 3, 5}});
  CHECK(holders(stages_of_ranks(Arrangement::bidirectional, 4)) == 2);
  CHECK(holders(stages_of_ranks(Arrangement::vee, 4)) == 1);
}

TEST_CASE("DeepSeek-V3 on 2,048 GPUs: 128 data-parallel ranks of 120 micro-batches, two EP groups a stage") {
  const models::Llm m = model("deepseek-v3");
  const Layout l = deepseek(m);
  CHECK(l.dp == 128);
  CHECK(l.gpus() == 2048);
  CHECK(l.micro_batches == 120);          // 15360 / 128
  CHECK(l.ep_groups() == 2);
  CHECK(l.tokens_per_step() == 62914560);   // 15360 x 4096
  CHECK(l.mirrors() == 2);
  CHECK(layout(m, R"({"pp": 16, "ep": 64, "micro_batches": 120})", "dualpipe", 2048).global_batch == 15360);
  CHECK(layout(m, R"({"pp": 16, "ep": 64, "dp": 128})", "dualpipe").micro_batches == 64);   // 4 pp where nothing is said
}

TEST_CASE("a pipeline rank has GPUs in a row, an EP group too, and tensor-parallel GPUs stand side by side") {
  const Layout l = deepseek(model("deepseek-v3"));
  CHECK(coordinate_of(l, 0) == Coordinate{0, 0, 0, 0, 0});
  CHECK(coordinate_of(l, 64) == Coordinate{0, 64, 0, 1, 0});       // the second EP group of rank 0: nodes 8 to 15
  CHECK(coordinate_of(l, 128) == Coordinate{1, 0, 0, 0, 0});       // rank 1 begins at node 16
  CHECK(coordinate_of(l, 2047) == Coordinate{15, 127, 0, 1, 63});
  CHECK(first_of_ep_group(l, 3, 1) == 3 * 128 + 64);
  const Layout t = layout(model("llama-3.1-405b"), R"({"pp": 2, "dp": 4, "tp": 8})");
  std::set<std::uint32_t> seen;
  for (std::uint32_t g = 0; g < t.gpus(); ++g) {
    const Coordinate c = coordinate_of(t, g);
    CHECK(gpu_at(t, c.pp, c.dp, c.tp) == g);
    seen.insert((c.pp * 4 + c.dp) * 8 + c.tp);
  }
  CHECK(seen.size() == 64);
  CHECK(coordinate_of(t, 9) == Coordinate{0, 1, 1, 9, 0});
}

TEST_CASE("the GPUs of a layout hold the model: every expert once in an EP group, all else once") {
  for (const char* name : {"deepseek-v3", "deepseek-v2"}) {
    const models::Llm m = model(name);
    const Layout l = layout(m, R"({"pp": 4, "ep": 8, "dp": 8})");
    double all = 0;
    for (std::uint32_t r = 0; r < 4; ++r) {
      const ParameterShare p = rank_share(m, l, r);
      all += p.experts * l.ep + p.others();
    }
    const models::Parameters whole = models::parameters(m);
    // Outside DualPipe the MTP module is far from the embedding and has a copy of it.
    const double copy = m.mtp_modules > 0 ? m.vocab * m.hidden : 0;
    CHECK(all == doctest::Approx(whole.total() + whole.mtp_unique + copy).epsilon(1e-12));
  }
  // Tensor parallelism: eight GPUs hold all matrices once; norms are on each.
  const models::Llm m = model("llama-3.1-405b");
  const ParameterShare p = rank_share(m, layout(m, R"({"dp": 1, "tp": 8})"), 0);
  CHECK(8 * (p.matrices + p.vocabulary) + p.rest == doctest::Approx(models::parameters(m).total()).epsilon(1e-12));
}

TEST_CASE("what does not divide is told at its key with numbers that do") {
  const models::Llm v3 = model("deepseek-v3"), llama = model("llama-3.1-405b"), qwen = model("qwen2.5-72b");
  CHECK(says(problems_of(v3, R"({"ep": 48, "dp": 48})"), "/workload/0/ep: 48 does not divide the 256 experts (32 or 64 do)"));
  CHECK(says(problems_of(v3, R"({"ep": 64, "dp": 96})"), "/ep: 64 does not divide the 96 GPUs of a pipeline stage (dp 96 x tp 1) (48 or 96 do)"));
  CHECK(says(problems_of(llama, R"({"ep": 8, "dp": 8})"), "/workload/0/ep: llama-3.1-405b has no experts to spread"));
  CHECK(says(problems_of(llama, R"({"tp": 16, "dp": 8})"), "/workload/0/tp: 16 does not divide the 8 key-value heads (8 does)"));
  CHECK(says(problems_of(qwen, R"({"tp": 3, "dp": 1})"), "/workload/0/tp: 3 does not divide the 64 attention heads (2 or 4 do)"));
  CHECK(says(problems_of(v3, R"({"tp": 2, "dp": 8})"), "/workload/0/sequence_parallel"));
  CHECK(says(problems_of(llama, R"({"tp": 8, "sequence_parallel": true, "sequence": 100, "dp": 1})"), "/workload/0/sequence: 100 tokens do not divide over tp 8"));
  CHECK(says(problems_of(v3, R"({"pp": 62, "dp": 1})"), "/workload/0/pp: 62 stages are more than the 61 layers of deepseek-v3"));
  CHECK(says(problems_of(v3, R"({"pp": 15, "dp": 1})", "dualpipe"), "/workload/0/pp: 15 is odd"));
  CHECK(says(problems_of(v3, R"({"pp": 3})", "1f1b", 2048), "/pp: pp 3 x tp 1 = 3 does not divide the 2048 GPUs (for pp x tp, 2 or 4 do)"));
  CHECK(says(problems_of(v3, R"({"pp": 16, "dp": 64, "ep": 64})", "1f1b", 2048), "/dp: pp 16 x dp 64 x tp 1 = 1024 GPUs, there are 2048 (dp 128, or leave it out)"));
  CHECK(says(problems_of(v3, R"({"pp": 16})"), "/dp: is due"));
  CHECK(says(problems_of(v3, R"({"dp": 128, "ep": 64, "global_batch": 15000})"), "/global_batch: 15000 sequences do not divide into micro-batches of 1 on 128 ranks (a multiple of 128)"));
  CHECK(says(problems_of(v3, R"({"dp": 128, "ep": 64, "global_batch": 15360, "micro_batches": 60})"), "/global_batch"));
}

TEST_CASE("bad values are told at their keys, all at once") {
  const models::Llm v3 = model("deepseek-v3");
  const std::string all = problems_of(v3, R"({"pp": 0, "zero": 4, "recompute": "some", "weights": "fp4", "activations": "int8", "optimizer": {"moments": "fp16"}, "dq": 1})");
  for (const char* key : {"/pp", "/zero", "/recompute", "/weights", "/activations", "/optimizer/moments", "/dq"}) CHECK(says(all, std::string("/workload/0") + key));
  CHECK_FALSE(says(all, "/workload/0/stages"));
}

TEST_CASE("stages may be listed, and a list must hold the model once and in order") {
  const models::Llm v3 = model("deepseek-v3");
  const std::string good = R"({"embedding": true, "dense_layers": 3, "moe_layers": 27}, {"moe_layers": 31, "mtp_modules": 1, "heads": 2})";
  const auto with = [&](const std::string& stages) { return problems_of(v3, R"({"pp": 2, "dp": 1, "stages": [)" + stages + "]}"); };
  CHECK(with(good).empty());
  CHECK(says(with(R"({"embedding": true})"), "/workload/0/stages: 1 stages, but the pipeline has 2"));
  CHECK(says(with(R"({"embedding": true, "dense_layers": 3, "moe_layers": 27}, {"moe_layers": 30, "mtp_modules": 1, "heads": 2})"), "hold 57 layers with experts, deepseek-v3 has 58"));
  CHECK(says(with(R"({"embedding": true, "moe_layers": 27}, {"dense_layers": 3, "moe_layers": 31, "mtp_modules": 1, "heads": 2})"), "dense layers after layers with experts"));
  CHECK(says(with(R"({"dense_layers": 3, "moe_layers": 27}, {"embedding": true, "moe_layers": 31, "mtp_modules": 1, "heads": 2})"), "stage 0 lacks the embedding"));
  CHECK(says(with(R"({"embedding": true, "dense_layers": 3, "moe_layers": 27, "heads": 1}, {"moe_layers": 31, "mtp_modules": 1, "heads": 1})"), "stage 0 has a head"));
  CHECK(says(with(R"({"embedding": true, "dense_layers": 3, "moe_layers": 27}, {"moe_layers": 31, "mtp_modules": 1, "heads": 1})"), "computations of the head"));
  CHECK(says(with(R"({"embedding": true, "dense": 3}, {})"), "/workload/0/stages/0/dense"));
  for (const char* wrong : {"\"even\"", "{}", "3"}) {
    CHECK(says(problems_of(v3, std::string(R"({"dp": 1, "stages": )") + wrong + "}"), "/workload/0/stages: expected \"auto\" or a list"));
  }
}
