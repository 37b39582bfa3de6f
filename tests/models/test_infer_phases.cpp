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
