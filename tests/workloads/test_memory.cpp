// Memory of a training step: DeepSeek-V3 part by part, and the closed forms of ZeRO and of Korthikanti et al.
#include <doctest/doctest.h>

#include "models/llm/counts.h"
#include "tests/workloads/training_layouts.h"
#include "workloads/training/activations.h"
#include "workloads/training/memory.h"
#include "workloads/training/shares.h"

using namespace weft;
using namespace weft::workloads::training;
using doctest::Approx;
using test::deepseek;
using test::layout;
using test::model;

namespace {

constexpr double kH800 = 84943110144;

LiveChunks chunks_of(const models::Llm& m, const Layout& l, const std::string& schedule) {
  return live_chunks(m, l, schedule_named(schedule, "schedule").make({l.pp, l.micro_batches, 2}));
}

/// With chunks of one size.
LiveChunks chunks_of(const std::string& schedule, std::uint32_t pp, std::uint32_t micro_batches, std::uint32_t chunks = 2) {
  const PipelineSchedule s = schedule_named(schedule, "schedule").make({pp, micro_batches, chunks});
  const PipelineShape shape = shape_of(schedule_named(schedule, "schedule"), chunks);
  return live_chunks(s, stages_of_ranks(shape.arrangement, pp, shape.stages_per_rank), std::vector<double>(s.stages, 1));
}

double mega(Bytes b) { return b.value() * 1e-6; }
double giga(Bytes b) { return b.value() * 1e-9; }
double rank_sum(const std::vector<double>& live) {
  double sum = 0;
  for (const double c : live) sum += c;
  return sum;
}

/// A dense model whose every layer has as many keys as heads, and a SwiGLU of 8/3 h: as many elements as a GeLU of 4 h.
models::Llm classic(double heads = 96, double d = 128, double layers = 6) {
  models::Llm m;
  m.name = "classic";
  m.layers = layers, m.hidden = heads * d, m.vocab = 51200;
  m.attention.heads = m.attention.kv_heads = heads;
  m.attention.d_qk = m.attention.d_v = d;
  m.dense_inter = 8 * m.hidden / 3;
  return m;
}

}  // namespace

TEST_CASE("an MoE layer of DeepSeek-V3 keeps 635 MB of 4,096 tokens and a dense one 393 MB (C098)") {
  const models::Llm m = model("deepseek-v3");
  const Layout l = deepseek(m);
  // T = 4096. residuals 2 T 7168 2 B = 117.4; latents T 2112 2 B = 17.3; attention output T 16384 1.5 B = 100.7; log-sum-exp T 128 4 B = 2.1;
  // dispatched 8 T 7168 (1 + 4/128) B = 242.2; SwiGLU input 8 T 4096 (1 + 4/128) B = 138.4; of the shared expert T 4096 (1 + 4/128) B = 17.3.
  const auto parts = layer_activations(m, l, true);
  const double expected[] = {117.440512, 17.301504, 100.663296, 2.097152, 242.221056, 138.412032, 17.301504};
  REQUIRE(parts.size() == 7);
  for (std::size_t i = 0; i < parts.size(); ++i) CHECK(mega(parts[i].bytes) == Approx(expected[i]).epsilon(1e-12));
  CHECK(mega(sum_of(parts)) == Approx(636.1).epsilon(0.1));
  CHECK(mega(sum_of(parts)) == Approx(636.1).epsilon(0.002));
  CHECK(mega(sum_of(layer_activations(m, l, false))) == Approx(393).epsilon(0.002));   // SwiGLU input T 36864 (1 + 4/128) B = 155.7
}

TEST_CASE("DeepSeek-V3's middle ranks take 73.6 GB of 84.9 GB, 87 %, with ZeRO over the data-parallel ranks (C099)") {
  const models::Llm m = model("deepseek-v3");
  Layout l = deepseek(m, R"(, "optimizer": {"over": "dp"})");
  const auto ranks = memory_of(m, l, chunks_of(m, l, "dualpipe"));
  // 8 MoE layers: 8 x (4 x 44,040,192) = 1.409 B in experts, 8 x (187.1 + 44.04 + 1.84 + 0.014) M = 1.864 B in all else.
  const ParameterShare p = rank_share(m, l, 7);
  CHECK(p.experts == 8 * 4 * 44040192.0);
  CHECK(p.total() * 1e-9 == Approx(3.273).epsilon(2e-4));
  const RankMemory& r = ranks[7];
  CHECK(giga(r.weights) == Approx(2 * 3.273).epsilon(2e-4));
  CHECK(giga(r.gradients) == Approx(4 * 3.273).epsilon(2e-4));
  // 8 B a parameter: experts over the 2 EP groups, all else over 128: 8 (1.409 / 2 + 1.864 / 128) = 5.75.
  CHECK(giga(r.optimizer) == Approx(8 * (1.40929 / 2 + 1.86398 / 128)).epsilon(1e-4));
  CHECK(r.chunks == 17);   // PP + 1
  CHECK(giga(r.activations) == Approx(17 * 4 * 0.6354).epsilon(1e-3));
  CHECK(giga(r.buffers) == 5);
  CHECK(giga(r.total()) == Approx(73.6).epsilon(0.001));
  CHECK(r.total().value() / kH800 == Approx(0.87).epsilon(0.005));
  CHECK(does_not_fit(m, l, chunks_of(m, l, "dualpipe"), Bytes(kH800)).empty());
  l.weights = Format::fp8;
  CHECK(giga(memory_of(m, l, chunks_of(m, l, "dualpipe"))[7].total()) == Approx(70.4).epsilon(0.001));
}

TEST_CASE("over the copies on the mirrored rank too, the optimiser takes half: 4 copies of experts, 256 of all else") {
  const models::Llm m = model("deepseek-v3");
  const Layout l = deepseek(m);
  CHECK(expert_copies(l) == 4);
  CHECK(other_copies(l) == 256);
  const RankMemory r = memory_of(m, l, chunks_of(m, l, "dualpipe"))[7];
  CHECK(giga(r.optimizer) == Approx(8 * (1.40929 / 4 + 1.86398 / 256)).epsilon(1e-4));   // 2.88
  CHECK(giga(r.total()) == Approx(73.6).epsilon(0.15));   // the tolerance of C099
}

TEST_CASE("DeepSeek-V3's edge ranks hold 4.934 billion parameters, embedding and head once, and take 60 to 66 GB beside the logits") {
  const models::Llm m = model("deepseek-v3");
  const Layout l = deepseek(m);
  const auto ranks = memory_of(m, l, chunks_of(m, l, "dualpipe"));
  for (const std::size_t edge : {0, 15}) {
    CHECK(rank_share(m, l, static_cast<std::uint32_t>(edge)).total() * 1e-9 == Approx(4.934).epsilon(1e-4));
    // 16 chunks of 3 dense + 1 MoE layer, one of 1 MoE + MTP + 2 heads.
    CHECK(ranks[edge].chunks == 17);
    CHECK(giga(ranks[edge].total() - ranks[edge].logits) > 60);
    CHECK(giga(ranks[edge].total() - ranks[edge].logits) < 66.5);
    CHECK(ranks[edge].logits.value() == 4096.0 * 129280 * 4);
  }
  CHECK(ranks[1].logits.value() == 0);
}

TEST_CASE("without recomputation DeepSeek-V3 does not fit: about 114 GB, and the message says where, by how much, and what would do") {
  const models::Llm m = model("deepseek-v3");
  Layout l = deepseek(m, R"(, "recompute": "none", "optimizer": {"over": "dp"})");
  const LiveChunks live = chunks_of(m, l, "dualpipe");
  // Kept beside the 635 MB: outputs of the norms in FP8 T (2 x 7168 + 2048) 1.03125 B = 69.2, of the up-projections T (24576 + 32768) 2 B = 469.8,
  // of SwiGLU T (16384 + 2048) 1.03125 B = 77.9: 616.8 MB a layer. The estimate to meet has 596.
  const double more = mega(sum_of(layer_activations(m, l, true))) - mega(sum_of(layer_activations(m, deepseek(m), true)));
  CHECK(more == Approx(4096e-6 * (16384 * 1.03125 + 57344 * 2 + 18432 * 1.03125)).epsilon(1e-12));
  CHECK(more == Approx(596).epsilon(0.04));
  CHECK(giga(memory_of(m, l, live)[7].total()) == Approx(114).epsilon(0.02));
  const std::string text = does_not_fit(m, l, live, Bytes(kH800));
  CAPTURE(text);
  for (const char* part : {"does not fit: rank 1 needs 115.5 GB of 84.9 GB, 30.6 GB too much (16 of 16 ranks do not fit)",
                           "activations take 85.2 GB (17 chunks of 5.01 GB)", "it would fit with recompute selective (73.6 GB)"}) {
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(does_not_fit(m, l, live, Bytes(20e9)).find("no single change would fit, the best is recompute full") != std::string::npos);
  // 32 experts a layer on each GPU: the mildest spread that fits is named, not the widest. With 8 a layer: 2.819 + 1.864 = 4.683 B parameters,
  // 6 x 4.683 + 8 (2.819 / 8 + 1.864 / 256) + 43.2 + 5 = 79.2 GB.
  l = layout(m, R"({"pp": 16, "ep": 8, "global_batch": 15360})", "dualpipe", 2048);
  CHECK(does_not_fit(m, l, live, Bytes(kH800)).find("it would fit with ep 32 (79.2 GB)") != std::string::npos);
}

TEST_CASE("gradients of a middle rank: experts over 4 copies 4.23 + 2.11 GB, all else over 256 copies 7.43 + 3.71 GB") {
  const models::Llm m = model("deepseek-v3");
  Layout l = deepseek(m);
  GradientSync s = sync_of(m, l, 7);
  CHECK(s.experts.copies == 4);
  CHECK(s.others.copies == 256);
  CHECK(giga(s.experts.reduce_scatter) == Approx(4.23).epsilon(0.001));   // 1.409 x 4 B x 3/4
  CHECK(giga(s.experts.all_gather) == Approx(2.11).epsilon(0.002));       // 1.409 x 2 B x 3/4
  CHECK(giga(s.others.reduce_scatter) == Approx(7.43).epsilon(0.001));    // 1.864 x 4 B x 255/256
  CHECK(giga(s.others.all_gather) == Approx(3.71).epsilon(0.001));
  const double reduce = s.reduce_scatter().value(), gather = s.all_gather().value();
  l.zero = 0;   // an all-reduce of FP32 gradients
  s = sync_of(m, l, 7);
  CHECK(s.reduce_scatter().value() == Approx(reduce));
  CHECK(s.all_gather().value() == Approx(reduce));
  l.zero = 2;   // after each of the 60 micro-batches that meet a stage of DualPipe on one of its two ranks
  CHECK(sync_of(m, l, 7).reduce_scatter().value() == Approx(60 * reduce));
  CHECK(sync_of(m, l, 7).all_gather().value() == Approx(gather));
  l.zero = 3;   // weights in 60 forward and 60 backward passes
  CHECK(sync_of(m, l, 7).all_gather().value() == Approx(120 * gather));
}

TEST_CASE("shards over dp alone send the same gradients and gather the mirrored ones besides") {
  const models::Llm m = model("deepseek-v3");
  const GradientSync s = sync_of(m, deepseek(m, R"(, "optimizer": {"over": "dp"})"), 7);
  // Reduce-scatter over 2: 1/2 G; with the mirror half of a shard of G/2: 1/4 G. Together 3/4 G, as over 4 copies.
  CHECK(giga(s.experts.reduce_scatter) == Approx(4.23).epsilon(0.001));
  // Gather weights over 2: 1/2 of 2 B; of the mirror's half shard 1/4 of 4 B: 1.409 x (1 + 1).
  CHECK(giga(s.experts.all_gather) == Approx(1.40929 * 2).epsilon(1e-4));
}

TEST_CASE("ZeRO's accounting of mixed-precision Adam: 16 B a parameter; stage 1 4 + 12/N, stage 2 2 + 14/N, stage 3 16/N (arXiv:1910.02054 Figure 1)") {
  const models::Llm m = classic();
  const double n = 64;
  const auto states = [&](int zero) {
    const Layout l = layout(m, R"({"dp": 64, "gradients": "bf16", "optimizer": {"moments": "fp32"}, "activations": "bf16", "zero": )" + std::to_string(zero) + "}");
    const RankMemory r = memory_of(m, l, chunks_of(m, l, "1f1b"))[0];
    return (r.weights + r.gradients + r.optimizer).value() / models::parameters(m).total();
  };
  // 7.5 B parameters on 64 GPUs: 120, 31.4, 16.6 and 1.9 GB.
  CHECK(states(0) == Approx(16));
  CHECK(7.5 * states(0) == Approx(120).epsilon(0.001));
  CHECK(states(1) == Approx(4 + 12 / n));
  CHECK(7.5 * states(1) == Approx(31.4).epsilon(0.001));
  CHECK(states(2) == Approx(2 + 14 / n));
  CHECK(7.5 * states(2) == Approx(16.6).epsilon(0.003));
  CHECK(states(3) == Approx(16 / n));
  CHECK(7.5 * states(3) == Approx(1.9).epsilon(0.02));
}

TEST_CASE("a dense layer in BF16 keeps s b h (34 - 2) bytes: Korthikanti's 34 without dropout masks and scores (arXiv:2205.05198 equations 1, 2, 4)") {
  const models::Llm m = classic();
  const auto units = [&](const std::string& recompute, const std::string& more = "") {
    const Layout l = layout(m, R"({"dp": 1, "sequence": 2048, "micro_batch": 2, "activations": "bf16", "recompute": ")" + recompute + "\"" + more + "}");
    Bytes sum;
    for (const ActivationPart& p : layer_activations(m, l, false)) {
      if (p.name != "log-sum-exp") sum += p.bytes;   // 4 B a token and head that FlashAttention keeps in place of scores
    }
    return sum.value() / (2048.0 * 2 * m.hidden);
  };
  CHECK(units("none") == Approx(32));
  // Tensor parallelism spreads 24 of the 34; of the 10 that stay two are the masks: 8 + 24/t. With sequence parallelism all.
  CHECK(units("none", R"(, "tp": 8)") == Approx(8 + 24.0 / 8));
  CHECK(units("none", R"(, "tp": 8, "sequence_parallel": true)") == Approx(32.0 / 8));
  CHECK(units("full") == Approx(2));   // 2 s b h: the layer's input
  // Selective: without the two norms' outputs (4) and the SwiGLU's (2 x 8/3).
  CHECK(units("selective") == Approx(32 - 4 - 16.0 / 3));
}

TEST_CASE("full recomputation keeps one layer's activations for the layer at work, ZeRO-3 one layer's weights") {
  const models::Llm m = classic();
  const Layout full = layout(m, R"({"dp": 1, "recompute": "full"})"), none = layout(m, R"({"dp": 1, "recompute": "none"})");
  const Bytes extra = memory_of(m, full, chunks_of(m, full, "1f1b"))[0].buffers - full.storage.buffers.value;
  CHECK(extra.value() == Approx(sum_of(layer_activations(m, none, false)).value()));
  const Layout three = layout(m, R"({"dp": 8, "zero": 3})");
  const Bytes gathered = memory_of(m, three, chunks_of(m, three, "1f1b"))[0].buffers - three.storage.buffers.value;
  CHECK(gathered.value() == Approx(2 * layer_share(m, three, false).total()));
}

TEST_CASE("Llama 3.1 405B fits an 80 GB H100 without recomputation, as its authors trained it at 8,192 tokens (arXiv:2407.21783 section 3.3.2)") {
  const models::Llm m = model("llama-3.1-405b");
  // Table 4: 16,384 GPUs, TP 8, PP 16, DP 128, 16 sequences a DP rank; FSDP spreads optimiser and gradients, weights stay gathered.
  const Layout l = layout(m, R"({"pp": 16, "tp": 8, "sequence_parallel": true, "zero": 2, "sequence": 8192, "global_batch": 2048, "recompute": "none"})", "1f1b", 16384);
  CHECK(l.dp == 128);
  CHECK(l.micro_batches == 16);
  const LiveChunks live = chunks_of(m, l, "1f1b");
  CHECK(does_not_fit(m, l, live, Bytes(80.0 * 1024 * 1024 * 1024)) == "");
  const auto ranks = memory_of(m, l, live);
  CHECK(giga(ranks[fullest(ranks)].total()) > 60);   // and not by a wide margin
}

TEST_CASE("live chunks: 1F1B PP - r, ZB1P PP, DualPipe PP + 1, DualPipeV 2 PP + 1 halves, GPipe all; interleaved as Megatron warms up (C045)") {
  for (const std::uint32_t pp : {4u, 8u, 16u}) {
    for (std::uint32_t r = 0; r < pp; ++r) {
      CAPTURE(pp);
      CAPTURE(r);
      CHECK(rank_sum(chunks_of("1f1b", pp, 100)[r]) == pp - r);
      CHECK(rank_sum(chunks_of("zb1p", pp, 100)[r]) == pp);
      CHECK(rank_sum(chunks_of("zbv", pp, 100)[r]) <= 2 * pp);
      CHECK(rank_sum(chunks_of("dualpipe", pp, 100)[r]) == pp + 1);
      CHECK(rank_sum(chunks_of("dualpipev", pp, 100)[r]) == 2 * pp + 1);
      CHECK(rank_sum(chunks_of("gpipe", pp, 100)[r]) == 100);
      CHECK(rank_sum(chunks_of("1f1b", pp, 2)[r]) == std::min(2u, pp - r));
    }
  }
  // DualPipe: stage s of either direction keeps PP - s, as in 1F1B, so rank 0 keeps 16 chunks of stage 0 and one of stage 15.
  CHECK(chunks_of("dualpipe", 16, 120)[0] == std::vector<double>{16, 1});
  CHECK(chunks_of("dualpipe", 16, 120)[15] == std::vector<double>{1, 16});
  // Two stages a rank: rank 0 of 4 warms up with 2 x 3 + 4 forwards and runs one more: four of each stage in turn, so 4 + 3 of the first and 4
  // of the second; the last rank 4 and 1.
  CHECK(chunks_of("interleaved_1f1b", 4, 100)[0] == std::vector<double>{7, 4});
  CHECK(chunks_of("interleaved_1f1b", 4, 100)[3] == std::vector<double>{4, 1});
}

TEST_CASE("the instant that counts is the one with most bytes, not with most chunks") {
  // Rank 0 of DualPipe holds stages 0 and 3: when chunks of stage 3 are much larger, it is fullest when it has as many of these as it ever has.
  const PipelineSchedule s = schedule_named("dualpipe", "schedule").make({4, 8, 2});
  const StagesOfRank stages = stages_of_ranks(Arrangement::bidirectional, 4);
  const auto even = live_chunks(s, stages, {1, 1, 1, 1}), heavy = live_chunks(s, stages, {1, 1, 1, 1000});
  CHECK(heavy[0][1] >= even[0][1]);
  CHECK(heavy[0][0] + 1000 * heavy[0][1] >= even[0][0] + 1000 * even[0][1]);
}

TEST_CASE("every kind of schedule has one of the known shapes, and its stages lie as the shape says") {
  for (const ScheduleKind& k : schedule_kinds()) {
    CAPTURE(k.name);
    const PipelineShape shape = shape_of(k, 3);
    const PipelineSchedule s = k.make({4, 12, 3});
    CHECK(s.stages == stage_count(shape.arrangement, 4, shape.stages_per_rank));
    const StagesOfRank of_rank = stages_of_ranks(shape.arrangement, 4, shape.stages_per_rank);
    CHECK(holders(of_rank) == s.model_copies());
    for (std::uint32_t r = 0; r < 4; ++r) {
      for (const std::uint32_t stage : of_rank[r]) {
        bool there = false;
        for (const auto& direction : s.rank_of) there = there || direction[stage] == r;
        CHECK(there);
      }
    }
  }
}
