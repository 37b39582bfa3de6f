// Memory of a unit that serves: DeepSeek-V3's production layouts part by part, groups of GPUs, and what does not fit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "models/llm/counts.h"
#include "tests/workloads/training_layouts.h"
#include "workloads/inference/memory.h"

using namespace weft;
using namespace weft::workloads::inference;
using doctest::Approx;
using workloads::training::test::model;

namespace {

constexpr Bytes kH800(84943110144);
constexpr double kExpert = 3.0 * 7168 * 2048;
constexpr double kFp8 = 1 + 4.0 / 16384;

Deployment decode(std::uint32_t ep, std::uint32_t redundant, std::uint32_t mtp = 0) {
  Deployment d;
  d.gpus = d.ep = ep;
  d.redundant = redundant;
  d.mtp = mtp;
  return d;
}

double giga(Bytes b) { return b.value() * 1e-9; }

/// The cache of the reference estimate: 0.9 x 84.94 GB less weights, absorbed kv_b, MTP module and workspace; 70,272 B a token, no layer of the module's own.
double reference_requests(const models::Llm& m, const Deployment& d, Bytes elsewhere = {}) {
  return (memory_of(m, d, kH800).cache() + elsewhere).value() / 70272 / 4989;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string problems_of(const Deployment& d, const models::Llm& m) {
  std::string all;
  for (const Problem& p : validate(d, m)) all += to_text(p) + "\n";
  return all;
}

}  // namespace

TEST_CASE("DeepSeek-V3 on 144 GPUs takes 24.2 GB of FP8 weights, 1.0 for kv_b in BF16 and 0.4 for the MTP module") {
  const models::Llm m = model("deepseek-v3");
  const UnitMemory u = memory_of(m, decode(144, 32, 1), kH800);
  CHECK(u.experts == 2);
  CHECK(u.routed_experts.value() == Approx(58 * 2 * kExpert * kFp8).epsilon(1e-12));
  CHECK(u.shared_experts.value() == Approx(58 * kExpert * kFp8).epsilon(1e-12));
  CHECK(u.router.value() == 58 * 1835264 * 2.0);
  CHECK(u.dense_ffn.value() == Approx(3 * 396361728.0 * kFp8).epsilon(1e-12));
  CHECK(u.vocabulary.value() == 2 * 926679040 * 2.0);
  // 187,107,328 parameters a layer: kv_b 16,777,216 of them in BF16, 2,048 of norms too, the rest in FP8.
  CHECK(u.absorbed.value() == 61 * 16777216 * 2.0);
  CHECK(u.attention.value() == Approx(61 * ((187107328.0 - 16777216 - 2048) * kFp8 + 2048 * 2)).epsilon(1e-12));
  // The estimate counts kv_b in FP8 with the weights and then what BF16 adds.
  const double kv_b = 61 * 16777216e-9;
  CHECK(giga(u.weights() - u.mtp - u.absorbed) + kv_b == Approx(24.2).epsilon(0.002));
  CHECK(giga(u.absorbed) - kv_b == Approx(1.0).epsilon(0.03));
  CHECK(giga(u.mtp) == Approx(0.4).epsilon(0.12));   // printed with one digit
  CHECK(giga(u.cache()) == Approx(47.8).epsilon(0.001));
  CHECK(u.used().value() + u.cache().value() == Approx(0.9 * 84943110144).epsilon(1e-12));
}

TEST_CASE("the cache has room for 136 requests of 4,989 tokens at EP144, 122 at EP72 and 85 at EP32, as the reference estimate says") {
  const models::Llm m = model("deepseek-v3");
  // Half a request for the estimate's rounding and 0.43 for its inputs, three of which have one digit: 3 x 0.05 GB / (70,272 B x 4,989). Its module has two
  // experts at every ep; here those of EP72 and EP32 have the module's 4 and 9.
  const double tolerance = 0.5 + 0.15e9 / (70272.0 * 4989);
  CHECK(std::abs(reference_requests(m, decode(144, 32, 1)) - 136) < tolerance);
  CHECK(std::abs(reference_requests(m, decode(72, 32, 1)) - 122) < tolerance);
  CHECK(std::abs(reference_requests(m, decode(32, 32, 1)) - 85) < tolerance);
  // The 151 of EP320 have one expert a GPU and the shared one on 64 GPUs of their own: 59 shared experts less than here.
  CHECK(std::abs(reference_requests(m, decode(320, 64, 1), Bytes(59 * kExpert * kFp8)) - 151) < tolerance);
}

TEST_CASE("the MTP module has a layer of cache of its own: 62 layers in place of 61") {
  const models::Llm m = model("deepseek-v3");
  const Deployment with = decode(144, 32, 1), without = decode(144, 32, 0);
  CHECK(cache_bytes_per_token(m, without).value() == 70272);
  CHECK(cache_bytes_per_token(m, with).value() == 71424);
  const UnitMemory u = memory_of(m, with, kH800);
  CHECK(u.cache_tokens() == Approx(680.5e3 * 61 / 62).epsilon(0.001));
  CHECK(requests_of(m, with, u, 4989) == Approx(u.cache_tokens() / 4989).epsilon(1e-12));
  CHECK(memory_of(m, without, kH800).mtp.value() == 0);
}

TEST_CASE("more GPUs for the experts leave more cache, and the FP8 format of FlashMLA has room for 1,152 / 656 of the tokens") {
  const models::Llm m = model("deepseek-v3");
  double last = 0;
  for (const std::uint32_t ep : {16u, 32u, 72u, 96u, 144u, 288u}) {
    const double tokens = memory_of(m, decode(ep, 32), kH800).cache_tokens();
    CHECK(tokens > last);
    last = tokens;
  }
  Deployment fp8 = decode(144, 32);
  fp8.fp8_cache = true;
  CHECK(memory_of(m, fp8, kH800).cache_tokens() / memory_of(m, decode(144, 32), kH800).cache_tokens() == Approx(1152.0 / 656).epsilon(1e-12));
}

TEST_CASE("prefill keeps kv_b as the other weights, nine routed experts a layer in production") {
  const models::Llm m = model("deepseek-v3");
  Deployment d = decode(32, 32);
  const UnitMemory decoding = memory_of(m, d, kH800);
  d.stage = Stage::prefill;
  const UnitMemory u = memory_of(m, d, kH800);
  CHECK(u.experts == 9);
  CHECK(u.absorbed.value() == 0);
  CHECK((decoding.weights() - u.weights()).value() == Approx(61 * 16777216 * (2 - kFp8)).epsilon(1e-9));
}

TEST_CASE("with tensor parallelism heads are spread, the latent vectors' projections and the latent cache are not") {
  const models::Llm m = model("deepseek-v3");
  Deployment d = decode(320, 64);
  const UnitMemory one = memory_of(m, d, kH800);
  d.tp = 4;
  const UnitMemory four = memory_of(m, d, kH800);
  // q_b and o spread; q_a, kv_a (15,138,816) and norms whole.
  CHECK(four.attention.value() == Approx(61 * (((37748736.0 + 117440512) / 4 + 15138816) * kFp8 + 2048 * 2)).epsilon(1e-12));
  CHECK(four.absorbed.value() == one.absorbed.value() / 4);
  CHECK(four.cache_per_token == one.cache_per_token);
  CHECK(four.dense_ffn == one.dense_ffn);      // 1-way for the dense layers
  CHECK(four.vocabulary.value() == one.vocabulary.value() / 4);
}

TEST_CASE("grouped attention spreads its cache over tp as far as it has keys and values; 405B parameters in BF16 need 16 GPUs of 80 GB") {
  const models::Llm m = model("llama-3.1-405b");
  Deployment d;
  d.fp8 = false, d.redundant = 0, d.ep = 1;
  for (const std::uint32_t tp : {1u, 2u, 8u, 16u}) {
    d.tp = d.gpus = tp;
    const UnitMemory u = memory_of(m, d, kH800);
    const double pairs = std::min(tp, 8u);   // of keys and values
    CHECK(u.cache_per_token.value() == Approx(516096 / pairs).epsilon(1e-12));
    CHECK(u.attention.value() == Approx(2 * 126 * (2.0 * 16384 * 16384 / tp + 2.0 * 16384 * 1024 / pairs)).epsilon(1e-12));
    if (tp == 1) CHECK(u.weights().value() == Approx(2 * 405853388800.0).epsilon(1e-12));
    CHECK((u.lacking().value() > 0) == (tp < 16));
    CHECK((u.cache().value() > 0) == (tp == 16));
  }
  // FP8 halves the matrices: it fits on 8.
  d.tp = d.gpus = 8;
  d.fp8 = true;
  CHECK(memory_of(m, d, kH800).cache().value() > 0);
}

TEST_CASE("layers with a window keep no more tokens than it") {
  models::Llm m = model("qwen2.5-72b");
  m.attention.window = 1000, m.attention.window_layers = 60;   // of 80
  Deployment d;
  d.gpus = d.ep = d.tp = 1, d.redundant = 0, d.fp8 = false;
  CHECK(cache_of_request(m, d, 500).value() == Approx(500 * 327680.0).epsilon(1e-12));
  CHECK(cache_of_request(m, d, 4000).value() == Approx((20 * 4000 + 60 * 1000) * 4096.0).epsilon(1e-12));
}

TEST_CASE("what does not fit says by how much and which single changes would do") {
  const models::Llm m = model("deepseek-v3");
  CHECK(does_not_fit(m, decode(144, 32), {kH800, 88, 4989}) == "");
  // 16 GPUs: 18 experts a layer are 58 x 18 x 44.05 MB = 46.0 GB of 69.1; 100 requests of 350.6 MB take 35.1 GB, with 76.4 GB usable 27.7 too much.
  const std::string text = does_not_fit(m, decode(16, 32), {kH800, 100, 4989});
  CAPTURE(text);
  CHECK(says(text, "does not fit: a GPU needs 69.1 GB for weights and workspace and 35.1 GB for the cache of 100 requests of 4989 tokens"));
  CHECK(says(text, "76.4 GB of 84.9 GB may be used, 27.7 GB too much; routed experts take 46.0 GB (18 a layer)"));
  // 6 experts a layer save 30.7 GB, 9 only 23.0; the FP8 cache saves 15.1. (76.4 - 69.1) / 0.3506 = 20.9.
  CHECK(says(text, "it would fit with ep 48 on 48 GPUs (73.5 GB) or 20 requests"));
  // 35 requests: 12.3 GB, 4.9 too much. The FP8 cache saves 5.3, 16 experts a layer 5.1; tp 2 half of
  // q_b, o, kv_b, embedding and head: 61 x (77.6 + 16.8) MB + 1.85 GB = 7.6.
  const std::string less = does_not_fit(m, decode(16, 32), {kH800, 35, 4989});
  CAPTURE(less);
  CHECK(says(less, "it would fit with fp8_cache true (76.1 GB) or ep 18 on 18 GPUs (76.3 GB) or redundant 0 (76.3 GB) or tp 2 in 8 groups (73.8 GB) or 20 requests"));
  CHECK_THROWS_WITH_AS(check_fits(m, decode(16, 32), {kH800, 100, 4989}, "/ep"), doctest::Contains("deepseek-v3 on 16 GPUs, ep 16, tp 1 does not fit"), UserError);
  CHECK_NOTHROW(check_fits(m, decode(144, 32), {kH800, 88, 4989}, "/ep"));
}

TEST_CASE("weights that are too much alone, and no way out by one change") {
  const models::Llm m = model("llama-3.1-405b");
  Deployment d;
  d.fp8 = false, d.redundant = 0, d.ep = d.tp = d.gpus = 1;
  const std::string text = does_not_fit(m, d, {kH800, 1, 1000});
  CAPTURE(text);
  // Heads are shared within a node of eight: an eighth of 405.9B weights in BF16 is 101.5 GB, beside 3 GB of workspace.
  CHECK(says(text, "no single change would fit, the best is tp 8 on 8 GPUs (104.5 GB)"));
  CHECK_FALSE(says(text, "fp8 true"));
  const std::string hopeless = does_not_fit(m, d, {Bytes(4e9), 1, 1000});
  CAPTURE(hopeless);
  CHECK(says(hopeless, "no single change would fit, the best is"));
}

TEST_CASE("a deployment that contradicts itself or the model is told by key") {
  const models::Llm v3 = model("deepseek-v3"), dense = model("llama-3.1-405b");
  CHECK(validate(decode(144, 32, 1), v3).empty());
  Deployment d = decode(144, 32);
  d.gpus = 160;
  CHECK(says(problems_of(d, v3), "gpus: 160 is no multiple of ep 144"));
  d = decode(144, 31);
  CHECK(says(problems_of(d, v3), "redundant: 256 experts of deepseek-v3 and 31 redundant copies do not divide over ep 144 (such as 32)"));
  d = decode(72, 32);
  d.tp = 16;
  CHECK(says(problems_of(d, v3), "ep: 72 is no multiple of tp 16"));
  d = decode(72, 32);
  d.tp = 3;
  CHECK(says(problems_of(d, v3), "tp: the 128 heads of deepseek-v3 do not divide over 3"));
  d = decode(1, 0, 1);
  CHECK(says(problems_of(d, dense), "mtp: llama-3.1-405b has no MTP module"));
  d = decode(8, 0);
  CHECK(says(problems_of(d, dense), "ep: llama-3.1-405b has no experts"));
  d = decode(1, 32);
  d.fp8_cache = true;
  CHECK(says(problems_of(d, dense), "redundant: llama-3.1-405b has no experts to copy"));
  CHECK(says(problems_of(d, dense), "fp8_cache: FlashMLA's format is for latent attention"));
  d = decode(0, 0);
  d.tp = 0;
  d.memory_part = std::nan("");
  for (const char* key : {"gpus:", "ep:", "tp:", "memory_part:"}) CHECK(says(problems_of(d, v3), key));
}
