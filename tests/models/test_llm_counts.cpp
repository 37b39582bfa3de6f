// Parameters, cache and operations against C001-C023 of the checks, and Tables 1 and 2 of arXiv:2505.09343.
#include <doctest/doctest.h>

#include "models/llm/counts.h"
#include "tests/models/llm_support.h"

using namespace weft;
using namespace weft::models;
using test::from_text;
using test::shipped;

namespace {

double train_gflop(const std::string& name, bool causal, bool router = false) {
  return sum_of(train_flops(shipped(name), 4096, causal), router).value() / 1e9;
}

double part(const std::vector<FlopsPart>& parts, const std::string& name) {
  for (const FlopsPart& p : parts) {
    if (p.name == name) return p.flops.value();
  }
  return 0;
}

}  // namespace

TEST_CASE("C001-C007: DeepSeek-V3's parameters, piece by piece") {
  const Llm m = shipped("deepseek-v3");
  // MLA: d qr + qr H(dn+dr) + d(kvr+dr) + kvr H(dn+dv) + H dv d + qr + kvr
  //    = 11010048 + 37748736 + 4128768 + 16777216 + 117440512 + 2048
  CHECK(attention_parameters(m) == 187'107'328.0);
  CHECK(expert_parameters(m) == 44'040'192.0);          // 3 x 7168 x 2048
  CHECK(shared_expert_parameters(m) == 44'040'192.0);
  CHECK(router_parameters(m) == 1'835'264.0);           // 256 x 7168 + 256
  CHECK(dense_ffn_parameters(m) == 396'361'728.0);
  CHECK(moe_ffn_parameters(m) == 11'320'164'608.0);
  CHECK(moe_ffn_active_parameters(m) == 398'196'992.0);
  CHECK(parameters(m).total() == 671'026'419'200.0);
  CHECK(std::abs(parameters(m).total() / 1e9 - 671) <= 0.5);
}

TEST_CASE("C008-C010: what a token of DeepSeek-V3 uses, and what its MTP module adds") {
  const Parameters p = parameters(shipped("deepseek-v3"));
  CHECK(p.active() == 36'625'618'432.0);
  CHECK(p.active_with_embedding() == 36'625'618'432.0 + 129280.0 * 7168);
  CHECK(p.mtp_unique == 11'610'068'224.0);
  CHECK(std::abs(p.mtp_active / 1e9 - 2.54) <= 0.15);
}

TEST_CASE("C011-C013: parameters of DeepSeek-V2, Qwen2.5-72B and LLaMA-3.1-405B") {
  const Parameters v2 = parameters(shipped("deepseek-v2"));
  CHECK(v2.total() == 235'741'434'880.0);
  CHECK(v2.active_with_embedding() == 21'375'800'320.0);
  CHECK(v2.mtp_unique == 0);
  CHECK(parameters(shipped("qwen2.5-72b")).total() == 72'706'203'648.0);
  CHECK(parameters(shipped("llama-3.1-405b")).total() == 405'853'388'800.0);
}

TEST_CASE("the parts of a model are its whole") {
  for (const char* name : {"deepseek-v3", "deepseek-v2", "qwen2.5-72b", "llama-3.1-405b"}) {
    CAPTURE(name);
    const Parameters p = parameters(shipped(name));
    double total = 0;
    for (const ParameterPart& part : p.parts) {
      total += part.total;
      CHECK(part.active <= part.total);
    }
    CHECK(total == p.total());
    CHECK(p.parts.front().name == "input embedding");
  }
}

TEST_CASE("C014-C018: bytes that a token leaves in the cache (Table 1)") {
  CHECK(kv_bytes_per_token(shipped("deepseek-v3")) == Bytes(70272));       // (512 + 64) x 2 x 61
  CHECK(kv_bytes_per_token(shipped("qwen2.5-72b")) == Bytes(327680));      // 2 x 8 x 128 x 2 x 80
  CHECK(kv_bytes_per_token(shipped("llama-3.1-405b")) == Bytes(516096));   // 2 x 8 x 128 x 2 x 126
  // C017: 4.66 as printed, and 7.34 where the paper prints 7.28.
  CHECK(std::abs(327680.0 / 70272 - 4.66) <= 0.01);
  CHECK(std::abs(516096.0 / 70272 - 7.34) <= 0.01);
  CHECK(kv_bytes_per_token_fp8_mla(shipped("deepseek-v3")) == Bytes(656 * 61));   // C018: 512 + 4 x 4 + 64 x 2
  CHECK(kv_bytes_per_token_fp8_mla(shipped("qwen2.5-72b")) == Bytes(0));
}

TEST_CASE("C019-C023: operations to train a token at 4,096 tokens a sequence (Table 2)") {
  CHECK(std::abs(train_gflop("deepseek-v3", true) - 249.81) <= 0.01);
  CHECK(std::abs(train_gflop("deepseek-v2", true) - 155.01) <= 0.01);
  CHECK(std::abs(train_gflop("llama-3.1-405b", true) - 2473.22) <= 0.01);
  CHECK(std::abs(train_gflop("qwen2.5-72b", true) - 444.86) <= 0.01);
  CHECK(part(train_flops(shipped("deepseek-v3"), 4096, true), "core attention") / 1e9 == doctest::Approx(30.70230528).epsilon(1e-6));
  // Sensitivities of section 1.4: with the router, and not causal.
  CHECK(std::abs(train_gflop("deepseek-v3", true, true) - 250.45) <= 0.01);
  CHECK(std::abs(train_gflop("deepseek-v3", false) - 280.51) <= 0.01);
  CHECK(std::abs(6 * 36.518 + 30.702 - train_gflop("deepseek-v3", true)) < 0.02);   // 6 N + 3 A
}

TEST_CASE("Table 2 is met to 0.2 % for V3 and V2; LLaMA is 1.03 % above, and Qwen does not follow from its config") {
  CHECK(train_gflop("deepseek-v3", true) / 250 == doctest::Approx(1).epsilon(0.002));
  CHECK(train_gflop("deepseek-v2", true) / 155 == doctest::Approx(1).epsilon(0.002));
  CHECK(train_gflop("llama-3.1-405b", true) / 2448 == doctest::Approx(1.0103).epsilon(1e-4));
  CHECK(train_gflop("qwen2.5-72b", true) / 394 == doctest::Approx(1.129).epsilon(1e-3));
}

TEST_CASE("prefill is a third of training but for the head, which works once a prompt") {
  for (const char* name : {"deepseek-v3", "llama-3.1-405b"}) {
    const Llm m = shipped(name);
    const auto train = train_flops(m, 4096, true), prefill = prefill_flops(m, 4096);
    const double head = 2 * m.vocab * m.hidden;
    CHECK(part(prefill, "head") == doctest::Approx(head / 4096));
    CHECK(sum_of(prefill).value() - head / 4096 == doctest::Approx(sum_of(train).value() / 3 - head).epsilon(1e-12));
  }
}

TEST_CASE("decode of V3: absorbed costs 278,528 operations a pair, expanded 81,920 and 33.55 million a cached token") {
  const Llm m = shipped("deepseek-v3");
  CHECK(flops_per_pair(m, true) == Flops(278528));   // 2 x 128 x (2 x 512 + 64)
  CHECK(flops_per_pair(m, false) == Flops(81920));   // 2 x 128 x (192 + 128)
  const auto absorbed = decode_flops(m, 4096, true), expanded = decode_flops(m, 4096, false);
  CHECK(part(absorbed, "core attention") == 278528.0 * 4096 * 61);
  CHECK(part(expanded, "core attention") == 81920.0 * 4096 * 61);
  CHECK(part(expanded, "expansion of the cache") == 2.0 * 512 * 128 * 256 * 4095 * 61);
  CHECK(part(absorbed, "attention projections") == part(expanded, "attention projections"));   // absorbing is the same product
  CHECK(absorption_break_even(m) == doctest::Approx(170.67).epsilon(1e-4));
  CHECK(absorption_break_even(shipped("qwen2.5-72b")) == 0);
}

TEST_CASE("decode grows with the context, each part that is no attention does not") {
  const Llm m = shipped("llama-3.1-405b");
  const auto near = decode_flops(m, 1000), far = decode_flops(m, 2000);
  CHECK(part(far, "core attention") == 2 * part(near, "core attention"));
  CHECK(part(far, "dense FFN") == part(near, "dense FFN"));
  CHECK(part(near, "core attention") == 2.0 * 128 * 256 * 1000 * 126);
}

TEST_CASE("pairs of query and key: half the square, a band with a window, everything when not causal") {
  CHECK(attention_pairs(4096, true) == 4096.0 * 4096 / 2);
  CHECK(attention_pairs(4096, false) == 4096.0 * 4096);
  CHECK(attention_pairs(4096, true, 4096) == 4096.0 * 4096 / 2);
  CHECK(attention_pairs(10, true, 4) == 8.0 + 6 * 4);
  CHECK(attention_pairs(2, true, 4) == 2.0);
}

TEST_CASE("a tied head is stored once and multiplied with all the same") {
  const char* text = R"({"model_type": "qwen2", "num_hidden_layers": 2, "hidden_size": 8, "vocab_size": 100, "num_attention_heads": 2,
                         "num_key_value_heads": 1, "intermediate_size": 16, "tie_word_embeddings": %s})";
  std::string tied = text, apart = text;
  tied.replace(tied.find("%s"), 2, "true");
  apart.replace(apart.find("%s"), 2, "false");
  CHECK(parameters(from_text(apart)).total() - parameters(from_text(tied)).total() == 800);
  CHECK(parameters(from_text(apart)).active() == parameters(from_text(tied)).active());
  CHECK(sum_of(train_flops(from_text(apart), 16, true)) == sum_of(train_flops(from_text(tied), 16, true)));
}
