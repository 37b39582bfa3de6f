// The shapes, operations, bytes and intensities of DeepSeek-V3's layers: tables 2.2 (training), 2.3 (prefill) and 2.4 (decode).
#include <doctest/doctest.h>

#include <cmath>

#include "models/llm/counts.h"
#include "models/llm/ops.h"
#include "tests/models/llm_support.h"

using namespace weft;
using namespace weft::models;
using test::from_text;
using test::shipped;

namespace {

/// A printed row: shape, GFLOP forward and of the two gradients, MB of weights, inputs and outputs, operations a byte.
struct Printed {
  const char* name;
  double m, n, k, groups, forward, dgrad, wgrad, weights, in, out, intensity;
};

// One MoE layer, 4096 tokens a GPU, 64 GPUs share the experts.
const std::vector<Printed> kTrain = {
    {"q_a", 4096, 1536, 7168, 1, 90.2, 90.2, 90.2, 11.0, 29.4, 12.6, 1703},
    {"kv_a", 4096, 576, 7168, 1, 33.8, 33.8, 33.8, 4.1, 29.4, 4.7, 885},
    {"q_b", 4096, 24576, 1536, 1, 309.2, 309.2, 309.2, 37.7, 6.3, 201.3, 1260},
    {"kv_b", 4096, 32768, 512, 1, 137.4, 137.4, 137.4, 16.8, 2.1, 268.4, 478},
    {"core_attention", 4096, 4096, 192, 128, 687.2, 1786.7, 0.0, 0.0, 536.9, 134.2, 1024},
    {"o", 4096, 7168, 16384, 1, 962.1, 962.1, 962.1, 117.4, 67.1, 58.7, 3955},
    {"router", 4096, 256, 7168, 1, 15.0, 15.0, 15.0, 3.7, 58.7, 4.2, 226},
    {"shared_gate_up", 4096, 4096, 7168, 1, 240.5, 240.5, 240.5, 29.4, 29.4, 33.6, 2607},
    {"shared_down", 4096, 7168, 2048, 1, 120.3, 120.3, 120.3, 14.7, 8.4, 58.7, 1470},
    {"routed_gate_up", 32768, 4096, 7168, 4, 1924.1, 1924.1, 1924.1, 117.4, 234.9, 268.4, 3100},
    {"routed_down", 32768, 7168, 2048, 4, 962.1, 962.1, 962.1, 58.7, 67.1, 469.8, 1615},
};

// One MoE layer, two prompts of 4096 tokens, 32 GPUs share the experts.
const std::vector<Printed> kPrefill = {
    {"q_a", 8192, 1536, 7168, 1, 180.4, 0, 0, 11.0, 58.7, 25.2, 1901},
    {"kv_a", 8192, 576, 7168, 1, 67.6, 0, 0, 4.1, 58.7, 9.4, 936},
    {"q_b", 8192, 24576, 1536, 1, 618.5, 0, 0, 37.7, 12.6, 402.7, 1365},
    {"kv_b", 8192, 32768, 512, 1, 274.9, 0, 0, 16.8, 4.2, 536.9, 493},
    {"core_attention", 8192, 4096, 192, 128, 1374.4, 0, 0, 0.0, 1073.7, 268.4, 1024},
    {"o", 8192, 7168, 16384, 1, 1924.1, 0, 0, 117.4, 134.2, 117.4, 5213},
    {"router", 8192, 256, 7168, 1, 30.1, 0, 0, 3.7, 117.4, 8.4, 232},
    {"shared_gate_up", 8192, 4096, 7168, 1, 481.0, 0, 0, 29.4, 58.7, 67.1, 3100},
    {"shared_down", 8192, 7168, 2048, 1, 240.5, 0, 0, 14.7, 16.8, 117.4, 1615},
    {"routed_gate_up", 65536, 4096, 7168, 8, 3848.3, 0, 0, 234.9, 469.8, 536.9, 3100},
    {"routed_down", 65536, 7168, 2048, 8, 1924.1, 0, 0, 117.4, 134.2, 939.5, 1615},
};

// One MoE layer, 64 requests with two query tokens each and 4096 tokens in the cache, 128 GPUs share the experts.
const std::vector<Printed> kDecode = {
    {"qkv_a", 128, 2112, 7168, 1, 3.9, 0, 0, 15.1, 0.9, 0.5, 234},
    {"q_b", 128, 24576, 1536, 1, 9.7, 0, 0, 37.7, 0.2, 6.3, 218},
    {"absorb_q", 128, 512, 128, 128, 2.1, 0, 0, 16.8, 4.2, 16.8, 57},
    {"core_attention", 128, 4096, 576, 128, 146.0, 0, 0, 302.0, 18.9, 16.8, 432},
    {"absorb_v", 128, 128, 512, 128, 2.1, 0, 0, 16.8, 16.8, 4.2, 57},
    {"o", 128, 7168, 16384, 1, 30.1, 0, 0, 117.4, 2.1, 1.8, 248},
    {"router", 128, 256, 7168, 1, 0.5, 0, 0, 3.7, 1.8, 0.1, 83},
    {"shared_gate_up", 128, 4096, 7168, 1, 7.5, 0, 0, 29.4, 0.9, 1.0, 240},
    {"shared_down", 128, 7168, 2048, 1, 3.8, 0, 0, 14.7, 0.3, 1.8, 224},
    {"routed_gate_up", 1024, 4096, 7168, 2, 60.1, 0, 0, 58.7, 7.3, 8.4, 808},
    {"routed_down", 1024, 7168, 2048, 2, 30.1, 0, 0, 29.4, 2.1, 14.7, 652},
};

OpRequest request(Phase phase, double tokens, double ep, double queries = 1) {
  OpRequest q;
  q.phase = phase;
  q.tokens = tokens;
  q.ep = ep;
  q.queries = queries;
  q.fp8 = true;
  return q;
}

const OpBlock& block(const std::vector<OpBlock>& blocks, const std::string& name) {
  for (const OpBlock& b : blocks) {
    if (b.name == name) return b;
  }
  FAIL("no block " << name);
  return blocks.front();
}

const LlmOp& op(const std::vector<LlmOp>& ops, const std::string& name) {
  for (const LlmOp& o : ops) {
    if (o.name == name) return o;
  }
  FAIL("no op " << name);
  return ops.front();
}

double gflop(const std::vector<LlmOp>& ops) {
  double sum = 0;
  for (const LlmOp& o : ops) sum += o.flops.value();
  return sum / 1e9;
}

/// As printed with one decimal (intensities with none).
bool prints(double value, double printed, double half = 0.05) { return std::abs(value - printed) <= half + 1e-9; }

void check_table(const OpBlock& layer, const std::vector<Printed>& table) {
  REQUIRE(layer.forward.size() == table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    const LlmOp& o = layer.forward[i];
    const Printed& p = table[i];
    CAPTURE(p.name);
    CHECK(o.name == p.name);
    CHECK(o.m == p.m);
    CHECK(o.n == p.n);
    CHECK(o.k == p.k);
    CHECK(o.groups == p.groups);
    CHECK(prints(o.flops.value() / 1e9, p.forward));
    CHECK(prints(o.weights.value() / 1e6, p.weights));
    CHECK(prints(o.in.value() / 1e6, p.in));
    CHECK(prints(o.out.value() / 1e6, p.out));
    CHECK(prints(o.intensity(), p.intensity, 0.5));
    if (p.dgrad > 0) CHECK(prints(op(layer.input_gradient, p.name).flops.value() / 1e9, p.dgrad));
    if (p.wgrad > 0) CHECK(prints(op(layer.weight_gradient, p.name).flops.value() / 1e9, p.wgrad));
  }
}

double weight_mb(const OpBlock& layer) {
  double sum = 0;
  for (const LlmOp& o : layer.forward) sum += o.weights.value();
  return sum / 1e6;
}

}  // namespace

TEST_CASE("training of a MoE layer of DeepSeek-V3: every op as printed, forward and backward (2.2)") {
  const auto blocks = ops_of(shipped("deepseek-v3"), request(Phase::train, 4096, 64));
  const OpBlock& layer = block(blocks, "MoE layer");
  check_table(layer, kTrain);
  CHECK(layer.layers == 58);
  CHECK(prints(gflop(layer.forward), 5482.0));
  CHECK(prints(gflop(layer.input_gradient), 6581.5));
  CHECK(prints(gflop(layer.weight_gradient), 4794.8));
  CHECK(prints(weight_mb(layer), 411.0));
  CHECK(layer.weight_gradient.size() == layer.forward.size() - 1);   // attention has no weights
}

TEST_CASE("the pieces of training beside MoE layers: dense FFN 3.247, head 7.591, MTP projection 0.842 TFLOP (2.2)") {
  const auto blocks = ops_of(shipped("deepseek-v3"), request(Phase::train, 4096, 64));
  const OpBlock& dense = block(blocks, "dense layer");
  CHECK(dense.layers == 3);
  CHECK(op(dense.forward, "gate_up").flops.value() + op(dense.forward, "down").flops.value() == doctest::Approx(3.247e12).epsilon(2e-4));
  CHECK(op(block(blocks, "head").forward, "head").flops.value() == doctest::Approx(7.591e12).epsilon(2e-4));
  CHECK(gflop(block(blocks, "MTP module (beside a layer and the head)").forward) == doctest::Approx(842).epsilon(1e-3));
}

TEST_CASE("prefill of two prompts: every op as printed, and redundant experts add weights alone (2.3)") {
  const Llm m = shipped("deepseek-v3");
  OpRequest q = request(Phase::prefill, 8192, 32);
  const auto blocks = ops_of(m, q);
  const OpBlock& layer = block(blocks, "MoE layer");
  check_table(layer, kPrefill);
  CHECK(prints(gflop(layer.forward), 10964.0));
  CHECK(prints(weight_mb(layer), 587.1, 0.1));   // the printed total is the sum of more digits
  CHECK(layer.input_gradient.empty());
  CHECK(layer.weight_gradient.empty());
  CHECK(op(block(blocks, "head").forward, "head").m == 2);   // one next token a prompt
  q.redundant = 32;
  const auto more = ops_of(m, q);
  const LlmOp& gate_up = op(block(more, "MoE layer").forward, "routed_gate_up");
  CHECK(gate_up.groups == 9);
  CHECK(prints(gate_up.weights.value() / 1e6, 264.2));
  CHECK(prints(op(block(more, "MoE layer").forward, "routed_down").weights.value() / 1e6, 132.1));
  CHECK(gate_up.flops == op(layer.forward, "routed_gate_up").flops);
}

TEST_CASE("decode of 64 requests with two query tokens, absorbed: every op as printed (2.4)") {
  const auto blocks = ops_of(shipped("deepseek-v3"), request(Phase::decode, 128, 128, 2));
  const OpBlock& layer = block(blocks, "MoE layer");
  check_table(layer, kDecode);
  CHECK(prints(gflop(layer.forward), 295.9));
  CHECK(prints(weight_mb(layer), 641.7));
}

TEST_CASE("each op names a kernel and its shape, as models/kernels take them") {
  const Llm m = shipped("deepseek-v3");
  const auto train = ops_of(m, request(Phase::train, 4096, 64));
  const OpBlock& layer = block(train, "MoE layer");
  using Shape = std::map<std::string, double>;
  CHECK(op(layer.forward, "o").family == "gemm");
  CHECK(op(layer.forward, "o").variant == "fp8_block");
  CHECK(op(layer.forward, "o").shape == Shape{{"m", 4096}, {"n", 7168}, {"k", 16384}});
  CHECK(op(layer.input_gradient, "o").shape == Shape{{"m", 4096}, {"n", 16384}, {"k", 7168}});   // dX = dY W
  CHECK(op(layer.weight_gradient, "o").family == "gemm_wgrad");
  CHECK(op(layer.weight_gradient, "o").shape == Shape{{"m", 7168}, {"n", 16384}, {"k", 4096}});
  CHECK(op(layer.weight_gradient, "o").out == Bytes(2.0 * 7168 * 16384 * 4));   // FP32, read and written
  CHECK(op(layer.forward, "router").variant == "bfloat16");
  CHECK(op(layer.forward, "routed_down").variant == "fp8_contiguous");
  CHECK(op(layer.forward, "routed_down").shape == Shape{{"groups", 4}, {"m", 8192}, {"n", 7168}, {"k", 2048}});
  CHECK(op(layer.weight_gradient, "routed_down").count == 4);
  CHECK(op(layer.weight_gradient, "routed_down").shape == Shape{{"m", 7168}, {"n", 2048}, {"k", 8192}});
  CHECK(op(layer.forward, "core_attention").family == "attention_forward");
  CHECK(op(layer.input_gradient, "core_attention").family == "attention_backward");
  CHECK(op(layer.forward, "core_attention").shape == Shape{{"batch", 1}, {"heads", 128}, {"kv_heads", 128}, {"seq", 4096}, {"d_qk", 192}, {"d_v", 128}, {"causal", 1}});
  const auto prefill = ops_of(m, request(Phase::prefill, 8192, 32));
  CHECK(op(block(prefill, "MoE layer").forward, "core_attention").shape.at("batch") == 2);
  CHECK(op(block(prefill, "MoE layer").forward, "core_attention").family == "attention_forward");   // expanded, 192/128
  const auto decode = ops_of(m, request(Phase::decode, 128, 128, 2));
  const OpBlock& d = block(decode, "MoE layer");
  CHECK(op(d.forward, "core_attention").family == "mla_decode");
  CHECK(op(d.forward, "core_attention").shape == Shape{{"batch", 64}, {"heads", 128}, {"s_q", 2}, {"kv", 4096}});
  CHECK(op(d.forward, "routed_gate_up").variant == "fp8_masked");
  CHECK(op(d.forward, "routed_gate_up").shape == Shape{{"groups", 2}, {"m", 512}, {"n", 4096}, {"k", 7168}});
  CHECK(op(d.forward, "absorb_q").shape == Shape{{"groups", 128}, {"m", 128}, {"n", 512}, {"k", 128}});
}

TEST_CASE("every op is a call of its kernel family, which counts the same operations") {
  const Gpu gpu = gpu_named("h800", DataPlaces::standard(), "--gpu");
  std::size_t compared = 0;
  for (const char* name : {"deepseek-v3", "deepseek-v2", "qwen2.5-72b", "llama-3.1-405b"}) {
    for (const Phase phase : {Phase::train, Phase::prefill, Phase::decode}) {
      for (const OpBlock& b : ops_of(shipped(name), request(phase, 4096, 1))) {
        for (const auto* ops : {&b.forward, &b.input_gradient, &b.weight_gradient}) {
          for (const LlmOp& o : *ops) {
            CAPTURE(name);
            CAPTURE(o.name);
            CAPTURE(o.family);
            const KernelCall call = kernel_call_of(o);
            for (const Demand& d : call.family->demands(call, gpu)) {
              if (d.unit != "FLOP") continue;
              // A kernel counts the diagonal (1 / 4096) apart, and sums over whole rows where a mean has a fraction (154 for 153.6).
              CHECK(d.amount == doctest::Approx(o.flops.value() / o.count).epsilon(o.family == "gemm_wgrad" ? 0.003 : 3e-4));
              ++compared;
            }
            CHECK(roofline(call, gpu).value() > 0);
          }
        }
      }
    }
  }
  CHECK(compared > 100);
}

TEST_CASE("a model with all its ops costs what its parts cost: training, prefill and decode") {
  for (const char* name : {"deepseek-v3", "deepseek-v2", "qwen2.5-72b", "llama-3.1-405b"}) {
    CAPTURE(name);
    const Llm m = shipped(name);
    const auto total = [&](const OpRequest& q) {
      double sum = 0;
      for (const OpBlock& b : ops_of(m, q)) {
        if (b.name.starts_with("MTP")) continue;
        sum += b.layers * gflop(b.forward) * 1e9;
      }
      return sum / q.tokens;
    };
    CHECK(total(request(Phase::train, 4096, 1)) == doctest::Approx(sum_of(train_flops(m, 4096, true), true).value() / 3).epsilon(1e-12));
    CHECK(total(request(Phase::prefill, 4096, 1)) == doctest::Approx(sum_of(prefill_flops(m, 4096), true).value()).epsilon(1e-12));
    for (const bool absorbed : {true, false}) {
      OpRequest q = request(Phase::decode, 32, 1);
      q.absorbed = absorbed;
      CHECK(total(q) == doctest::Approx(sum_of(decode_flops(m, 4096, absorbed), true).value()).epsilon(1e-12));
    }
  }
}

TEST_CASE("an FP8 cache is read in FlashMLA's 656 bytes a token, a BF16 one in 1152") {
  OpRequest q = request(Phase::decode, 64, 128);
  const Llm m = shipped("deepseek-v3");
  const auto wide = ops_of(m, q);
  q.fp8_cache = true;
  const auto narrow = ops_of(m, q);
  CHECK(op(block(wide, "MoE layer").forward, "core_attention").weights == Bytes(64.0 * 4096 * 1152));
  CHECK(op(block(narrow, "MoE layer").forward, "core_attention").weights == Bytes(64.0 * 4096 * 656));
  CHECK(op(block(narrow, "MoE layer").forward, "core_attention").variant == "fp8_kv");
}

TEST_CASE("grouped attention reads its cache once for all query heads of a group") {
  OpRequest q = request(Phase::decode, 16, 1);
  q.fp8 = false;
  const auto blocks = ops_of(shipped("llama-3.1-405b"), q);
  const LlmOp& core = op(block(blocks, "dense layer").forward, "core_attention");
  CHECK(core.weights == Bytes(16.0 * 4096 * 516096 / 126));
  CHECK(core.family == "memory");
  CHECK(core.shape.at("bytes") == (core.weights + core.in + core.out).value());
  CHECK(op(block(blocks, "dense layer").forward, "qkv").n == 128 * 128 + 2 * 8 * 128);
  CHECK(op(block(blocks, "dense layer").forward, "qkv").variant == "bfloat16");
}

TEST_CASE("without compressed queries there is one projection for them, and nothing is fused") {
  Llm m = shipped("deepseek-v3");
  m.attention.q_lora = 0;
  const auto blocks = ops_of(m, request(Phase::decode, 128, 128, 2));
  const OpBlock& layer = block(blocks, "MoE layer");
  CHECK(op(layer.forward, "q").k == 7168);
  CHECK(op(layer.forward, "kv_a").n == 576);
}

TEST_CASE("what does not divide is refused with the option that says it") {
  const Llm v3 = shipped("deepseek-v3"), llama = shipped("llama-3.1-405b");
  CHECK_THROWS_WITH_AS(ops_of(v3, request(Phase::train, 5000, 64)), doctest::Contains("--tokens"), UserError);
  CHECK_THROWS_WITH_AS(ops_of(v3, request(Phase::decode, 127, 64, 2)), doctest::Contains("--queries"), UserError);
  CHECK_THROWS_WITH_AS(ops_of(v3, request(Phase::train, 4096, 48)), doctest::Contains("--ep"), UserError);
  CHECK_THROWS_WITH_AS(ops_of(v3, request(Phase::train, 4096, 512)), doctest::Contains("--redundant"), UserError);
  CHECK_THROWS_WITH_AS(ops_of(llama, request(Phase::train, 4096, 8)), doctest::Contains("no experts"), UserError);
}
