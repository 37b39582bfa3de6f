// The phases of prefill and decode: their operations against the model's, and how they change with sizes.
#include <doctest/doctest.h>

#include "models/llm/infer_phases.h"
#include "models/llm/ops.h"
#include "tests/models/kernels_support.h"
#include "tests/models/llm_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

Llm v3() { return llm_named("deepseek-v3", DataPlaces::standard(), "test"); }

double giga_flops(const Llm& m, InferPhase p, const InferShape& s) {
  double sum = 0;
  for (const PhaseKernel& k : kernels_of(m, p, s)) sum += k.flops.value();
  return sum * 1e-9;
}

/// Of a layer with experts.
double layer(const Llm& m, const InferShape& s) {
  double sum = 0;
  for (const InferPhase p : {InferPhase::attention_before, InferPhase::attention_after, InferPhase::shared, InferPhase::experts}) sum += giga_flops(m, p, s);
  return sum;
}

}  // namespace

TEST_CASE("a prefill layer has the operations of its products and its causal attention") {
  // 8,192 tokens as two prompts of 4,096, experts spread evenly and unpadded: 10,964.0 GFLOP, of which attention with half the square of the prompt 1,374.4.
  InferShape s;
  s.decode = false, s.tokens = 8192, s.prompts = 2, s.ep = 32, s.redundant = 32, s.aligned = false;
  s.pairs = 2 * 4096.0 * 4097 / 2;
  CHECK(layer(v3(), s) == doctest::Approx(10964.0).epsilon(1e-3));
  s.aligned = true;   // half a tile of 128 rows for each of nine experts
  const double padding = 9 * 64 * 2.0 * (7168 * 4096 + 2048 * 7168) * 1e-9;
  CHECK(layer(v3(), s) == doctest::Approx(10964.0 + padding).epsilon(1e-3));
}

TEST_CASE("a decode layer has the operations of absorbed attention") {
  // 64 requests with two query tokens each, 4,096 tokens in the cache, EP128: 295.9 GFLOP.
  InferShape s;
  s.tokens = 128, s.requests = 64, s.kv_tokens = 64 * 4096.0, s.ep = 128;
  CHECK(layer(v3(), s) == doctest::Approx(295.9).epsilon(1e-3));
}

TEST_CASE("prompts that see as many pairs cost attention as much, however they are cut") {
  // A piece of n tokens after c others has n c + n (n + 1) / 2 pairs; the kernel's operations follow the pairs.
  InferShape s;
  s.decode = false, s.tokens = 2048, s.prompts = 1, s.ep = 32, s.redundant = 32;
  s.cached = 2048;
  s.pairs = 2048.0 * 2048 + 2048.0 * 2049 / 2;
  double attention = 0;
  for (const PhaseKernel& k : kernels_of(v3(), InferPhase::attention_after, s)) {
    if (k.name == "attention") attention += k.flops.value();
  }
  CHECK(attention == doctest::Approx(2.0 * 128 * (192 + 128) * s.pairs).epsilon(2e-3));
}

TEST_CASE("heads that are shared take a part of attention's operations") {
  InferShape s;
  s.tokens = 128, s.requests = 128, s.kv_tokens = 128 * 4096.0, s.ep = 128;
  const double whole = giga_flops(v3(), InferPhase::attention_after, s);
  s.tp = 4;
  const double part = giga_flops(v3(), InferPhase::attention_after, s);
  // Router and norms apart, all of it goes by heads; the router works on a quarter of the tokens.
  CHECK(part == doctest::Approx(whole / 4).epsilon(1e-6));
}

TEST_CASE("what does not divide is refused") {
  InferShape s;
  s.ep = 144;
  CHECK_THROWS_AS(kernels_of(v3(), InferPhase::experts, s), UserError);   // 256 experts on 144 GPUs
  s.redundant = 32;
  CHECK_NOTHROW(kernels_of(v3(), InferPhase::experts, s));
  s.tp = 3;
  CHECK_THROWS_AS(kernels_of(v3(), InferPhase::attention_after, s), UserError);
}

TEST_CASE("every phase of serving has a name of its own") {
  std::vector<std::string> names;
  for (const InferPhase p : infer_phases()) names.push_back(to_text(p));
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK(names.size() == 12);
}

namespace {

struct Expected {
  const char* name;
  std::map<std::string, double> at;
};

/// Kernels by name and shape, in order.
void check_kernels(InferPhase phase, const InferShape& shape, const std::vector<Expected>& expected) {
  const std::vector<PhaseKernel> kernels = kernels_of(v3(), phase, shape);
  REQUIRE(kernels.size() == expected.size());
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    CAPTURE(expected[i].name);
    CHECK(kernels[i].name == expected[i].name);
    for (const auto& [field, value] : expected[i].at) CHECK(kernels[i].call.get(field.c_str()) == doctest::Approx(value));
  }
}

}  // namespace

// Bytes are what a kernel has to read and write: BF16 2 B an element, FP8 1 B and a 4-byte scale for 128.
TEST_CASE("a decode layer's kernels, with their shapes and bytes") {
  InferShape s;
  s.tokens = 128, s.requests = 64, s.kv_tokens = 64 * 4096.0, s.ep = 128;
  const double t = 128, d = 7168;
  const auto fp8 = [](double elements) { return elements * (1 + 4.0 / 128); };
  check_kernels(InferPhase::attention_before, s,
                {{"residual", {{"bytes", 6 * t * d}}}, {"norm before attention", {{"bytes", 4 * t * d}}}, {"cast", {{"bytes", 2 * t * d + fp8(t * d)}}},
                 {"qkv_a", {{"m", t}, {"n", 1536 + 512 + 64}, {"k", d}}},   // DeepGEMM's 2112 x 7168
                 {"norm of q latent", {{"bytes", 4 * t * 1536}}}, {"cast of q latent", {{"bytes", 2 * t * 1536 + fp8(t * 1536)}}}, {"norm of kv latent", {{"bytes", 4 * t * 512}}},
                 {"q_b", {{"m", t}, {"n", 24576}, {"k", 1536}}},
                 {"absorb_q", {{"bytes", 2 * 128 * (t * (512 + 128) + 512.0 * 128)}}},   // queries in and out, and W_UK, of every head
                 {"rope of queries", {{"bytes", 4 * t * 128 * 64}}}, {"rope of key", {{"bytes", 4 * t * 64}}}, {"into the cache", {{"bytes", 4 * t * 576}}}});
  check_kernels(InferPhase::attention_after, s,
                {{"attention", {{"batch", 64}, {"heads", 128}, {"s_q", 2}, {"kv", 4096}}}, {"absorb_v", {{"bytes", 2 * 128 * (t * (512 + 128) + 512.0 * 128)}}},
                 {"cast of attention's output", {{"bytes", 2 * t * 16384 + fp8(t * 16384)}}}, {"o", {{"m", t}, {"n", d}, {"k", 16384}}},
                 {"residual", {{"bytes", 6 * t * d}}}, {"norm before MLP", {{"bytes", 4 * t * d}}}, {"router", {{"m", t}, {"n", 256}, {"k", d}}},
                 {"gate", {{"bytes", 2 * t * 256 * 4}}}, {"top experts", {{"tokens", t}, {"experts", 256}, {"topk", 8}}}});
  check_kernels(InferPhase::shared, s,
                {{"cast", {{"bytes", 2 * t * d + fp8(t * d)}}}, {"shared_gateup", {{"m", t}, {"n", 4096}, {"k", d}}}, {"SwiGLU", {{"bytes", t * 4096 * 2 + fp8(t * 2048)}}},
                 {"shared_down", {{"m", t}, {"n", d}, {"k", 2048}}}});
  // 128 x 8 selections on two experts of this GPU: DeepGEMM's masked 2 x 512.
  check_kernels(InferPhase::experts, s,
                {{"routed_gateup", {{"groups", 2}, {"m", 512}, {"n", 4096}, {"k", d}}}, {"routed SwiGLU", {{"bytes", 1024 * 4096.0 * 2 + fp8(1024 * 2048.0)}}},
                 {"routed_down", {{"groups", 2}, {"m", 512}, {"n", d}, {"k", 2048}}}});
}

TEST_CASE("of few rows only the experts that they fall on are read") {
  InferShape s;
  s.tokens = 1, s.requests = 1, s.kv_tokens = 100, s.ep = 16;   // 8 selections on 16 experts: 16 (1 - e^-0.5) = 6.3 get one
  const std::vector<PhaseKernel> few = kernels_of(v3(), InferPhase::experts, s);
  CHECK(few.front().call.get("groups") == 7);
  s.tokens = s.requests = 128;
  CHECK(kernels_of(v3(), InferPhase::experts, s).front().call.get("groups") == 16);
}

TEST_CASE("grouped attention in decode reads the pairs of keys and values that this GPU has") {
  const Llm llama = llm_named("llama-3.1-405b", DataPlaces::standard(), "test");
  InferShape s;
  s.tokens = s.requests = 8, s.kv_tokens = 8 * 1000.0, s.tp = 8, s.fp8 = false;
  for (const PhaseKernel& k : kernels_of(llama, InferPhase::attention_after, s)) {
    if (k.name != "attention") continue;
    // 8 x 1000 tokens of one pair (8 over 8 GPUs) of 2 x 128 BF16, and queries and outputs of 16 heads.
    CHECK(k.call.get("bytes") == doctest::Approx((8 * 1000.0 * 1 + 8 * 16) * 256 * 2));
    CHECK(k.flops.value() == doctest::Approx(2.0 * 16 * 256 * 8 * 1000));
  }
}

TEST_CASE("a prefill layer's kernels beside those of the products") {
  InferShape s;
  s.decode = false, s.tokens = 8192, s.prompts = 2, s.ep = 32, s.redundant = 32, s.pairs = 2 * 4096.0 * 4097 / 2;
  std::vector<std::string> names;
  for (const InferPhase p : {InferPhase::attention_before, InferPhase::attention_after, InferPhase::experts}) {
    for (const PhaseKernel& k : kernels_of(v3(), p, s)) names.push_back(k.name);
  }
  const std::vector<std::string> expected = {
      "residual", "norm before attention", "cast", "scales", "qkv_a", "norm of q latent", "cast of q latent", "scales", "norm of kv latent", "q_b", "rope of queries", "rope of key",
      "into the cache", "cast of kv latent", "scales", "kv_b", "keys", "rotary key to heads",
      "attention", "cast of attention's output", "scales", "o", "residual", "norm before MLP", "router", "gate", "top experts", "cast",
      "map of received tokens", "expand", "scales", "routed_gateup", "routed SwiGLU", "scales", "routed_down", "reduce"};
  CHECK(names == expected);
}
