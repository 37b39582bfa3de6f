// Attention of a layer in training, with the norms around it, and the router of an MoE layer: as DeepSeek's trace runs it, by size.
#include "models/llm/train_builder.h"

namespace weft::models {
namespace {

constexpr double kBf16 = 2, kFp32 = 4;
constexpr double kE5M6 = 1.5;   // bytes: attention's output is kept for the output projection's gradient, arXiv:2412.19437 3.3.3

/// Widths of this GPU's part.
struct Widths {
  explicit Widths(const TrainSizes& s) {
    const LlmAttention& a = s.m.attention;
    queries = s.heads * a.d_qk;
    values = s.heads * a.d_v;
    latent = a.kv_lora + a.rope;
    expanded = s.heads * (a.nope + a.d_v);
    keys_values = s.kv_heads * (a.d_qk + a.d_v);
  }
  double queries, values, latent, expanded, keys_values;
};

/// From the latent vectors to queries, keys and values; in backward once more when they are recomputed.
void up_projections(const TrainSizes& s, PhaseBuilder& add, const Widths& w, bool again) {
  const LlmAttention& a = s.m.attention;
  const std::string suffix = again ? "_recompute" : "";
  if (a.q_lora > 0) {
    add.norm("norm of q latent", s.tokens, a.q_lora);
    add.copy("kv latent", s.tokens * a.kv_lora);
    add.norm("norm of kv latent", s.tokens, a.kv_lora);
    if (!again) add.copy("rotary key", s.tokens * a.rope);
    add.cast_with_scales("cast of q latent", s.tokens, a.q_lora);
    add.gemm("q_b" + suffix, s.tokens, w.queries, a.q_lora);
  } else {
    add.copy("kv latent", s.tokens * a.kv_lora);
    add.norm("norm of kv latent", s.tokens, a.kv_lora);
    if (!again) add.copy("rotary key", s.tokens * a.rope);
  }
  add.cast_with_scales("cast of kv latent", s.tokens, a.kv_lora);
  add.gemm("kv_b" + suffix, s.tokens, w.expanded, a.kv_lora);
  add.rope("rope of keys", 1);
  add.copy("keys", s.tokens * s.heads * a.nope);
  // One rotary key written beside those of every head: strided like the rotation itself.
  add.move("rotary key to heads", "rope", s.tokens * (s.heads + 1) * a.rope * kBf16);
  add.rope("rope of queries", s.heads);
}

void latent_forward(const TrainSizes& s, PhaseBuilder& add, const Widths& w) {
  const LlmAttention& a = s.m.attention;
  const double d = s.m.hidden;
  add.cast_with_scales("cast", s.tokens, d);
  add.gemm(a.q_lora > 0 ? "q_a" : "q", s.tokens, a.q_lora > 0 ? a.q_lora : w.queries, d);
  add.cast_with_scales("cast", s.tokens, d);
  add.gemm("kv_a", s.tokens, w.latent, d);
  add.small("positions", 2);
  up_projections(s, add, w, false);
}

void grouped_forward(const TrainSizes& s, PhaseBuilder& add, const Widths& w) {
  const LlmAttention& a = s.m.attention;
  add.cast_with_scales("cast", s.tokens, s.m.hidden);
  add.gemm("qkv", s.tokens, w.queries + w.keys_values, s.m.hidden);
  if (a.qkv_bias) add.move("bias", "residual", 2 * s.tokens * (w.queries + w.keys_values) * kBf16);
  if (a.qk_norm) {
    add.norm("norm of queries", s.tokens * s.heads, a.d_qk);
    add.norm("norm of keys", s.tokens * s.kv_heads, a.d_qk);
  }
  add.rope("rope of keys", s.kv_heads);
  add.rope("rope of queries", s.heads);
}

void router_forward(const TrainSizes& s, PhaseBuilder& add) {
  const Llm& m = s.m;
  const double scores = s.own * m.experts;
  add.plain_gemm("router", s.own, m.experts, m.hidden);
  add.move("scores", "other", 2 * scores * kFp32, 9);
  add.small("gate", 26);
  add.select("top experts", s.own, m.experts, m.topk);
  add.select("top experts for balance", s.own, m.experts, m.topk);
}

void router_backward(const TrainSizes& s, PhaseBuilder& add) {
  const Llm& m = s.m;
  add.small("gate", 13);
  add.move("gradient of scores", "other", 2 * s.own * m.experts * kFp32, 13);
  add.plain_gemm("router_dgrad", s.own, m.hidden, m.experts);
  add.plain_wgrad("router_wgrad", m.experts, m.hidden, s.own);
  add.residual("gradient of router's input", s.own * m.hidden);
}

/// Attention's output between BF16 and the form in which it waits for backward; nothing without FP8.
void compressed(const TrainSizes& s, PhaseBuilder& add, const Widths& w, const char* name) {
  const double elements = s.tokens * w.values;
  if (add.fp8()) add.move(name, "cast", elements * (kBf16 + kE5M6) + elements / 128 * kFp32);
}

void attention_core_backward(const TrainSizes& s, PhaseBuilder& add) {
  const LlmAttention& a = s.m.attention;
  const double head_tokens = s.tokens * s.heads;
  // Reads the output and its gradient, clears the FP32 gradient of the queries; afterwards that becomes BF16.
  add.move("attention_backward prepares", "other", head_tokens * (2 * a.d_v * kBf16 + a.d_qk * kFp32));
  add.attention(true);
  add.move("attention_backward ends", "other", head_tokens * a.d_qk * (kFp32 + kBf16));
  if (s.kv_heads < s.heads) add.move("gradients of keys and values", "other", s.tokens * s.kv_heads * (a.d_qk + a.d_v) * (kFp32 + kBf16));
}

/// Input gradient of a product n x k: the gradient cast, the weight turned.
void input_gradient(const TrainSizes& s, PhaseBuilder& add, const std::string& name, double n, double k) {
  add.cast("cast of gradient", s.tokens, n);
  add.transpose_weight("weight", n, k);
  add.scales(s.tokens, n);
  add.gemm(name, s.tokens, k, n);
}

void latent_down_backward(const TrainSizes& s, PhaseBuilder& add, const std::string& name, double n) {
  const double d = s.m.hidden;
  add.cast("cast of gradient", s.tokens, n);
  add.transpose_weight("weight", n, d);
  add.scales(s.tokens, n);
  add.gemm(name, s.tokens, d, n);
  add.cast_transposed("input for its weight", s.tokens, d);
  add.cast_transposed("gradient for its weight", s.tokens, n);
}

void latent_backward(const TrainSizes& s, PhaseBuilder& add, const Widths& w) {
  const LlmAttention& a = s.m.attention;
  const double d = s.m.hidden, head_tokens = s.tokens * s.heads;
  if (s.q.selective_recompute) up_projections(s, add, w, true);
  attention_core_backward(s, add);
  add.rope("rope of queries' gradient", s.heads);
  if (a.q_lora > 0) {
    add.transpose_weight("weight", w.queries, a.q_lora);
    add.cast_with_scales("cast of gradient", s.tokens, w.queries);
    add.gemm("q_b_dgrad", s.tokens, a.q_lora, w.queries);
  }
  add.move("gradient of rotary key", "reduce", (head_tokens + s.tokens) * a.rope * kBf16);
  add.rope("rope of its gradient", 1);
  add.copy("gradient of keys", head_tokens * a.nope);
  add.copy("gradient of values", head_tokens * a.d_v);
  add.transpose_weight("weight", w.expanded, a.kv_lora);
  add.cast_with_scales("cast of gradient", s.tokens, w.expanded);
  add.gemm("kv_b_dgrad", s.tokens, a.kv_lora, w.expanded);
  add.cast_transposed("gradient for kv_b's weight", s.tokens, w.expanded);
  add.cast_transposed("kv latent for its weight", s.tokens, a.kv_lora);
  if (a.q_lora > 0) {
    add.cast_transposed("gradient for q_b's weight", s.tokens, w.queries);
    add.cast_transposed("q latent for its weight", s.tokens, a.q_lora);
  }
  add.norm_backward("gradient of kv latent's norm", s.tokens, a.kv_lora);
  if (a.q_lora > 0) add.norm_backward("gradient of q latent's norm", s.tokens, a.q_lora);
  add.move("gradient of kv latent", "other", s.tokens * w.latent * kBf16, 4);   // cleared twice, two parts copied into it
  add.residual("gradient of kv latent", s.tokens * w.latent);
  if (s.q.selective_recompute) add.norm("norm before attention", s.own, d);
  latent_down_backward(s, add, "kv_a_dgrad", w.latent);
  latent_down_backward(s, add, a.q_lora > 0 ? "q_a_dgrad" : "q_dgrad", a.q_lora > 0 ? a.q_lora : w.queries);
  add.residual("both gradients", s.tokens * d);
}

void grouped_backward(const TrainSizes& s, PhaseBuilder& add, const Widths& w) {
  const LlmAttention& a = s.m.attention;
  attention_core_backward(s, add);
  add.rope("rope of queries' gradient", s.heads);
  add.rope("rope of keys' gradient", s.kv_heads);
  if (a.qk_norm) {
    add.norm_backward("gradient of queries' norm", s.tokens * s.heads, a.d_qk);
    add.norm_backward("gradient of keys' norm", s.tokens * s.kv_heads, a.d_qk);
  }
  if (a.qkv_bias) add.move("gradient of bias", "reduce", s.tokens * (w.queries + w.keys_values) * kBf16);
  if (s.q.selective_recompute) add.norm("norm before attention", s.own, s.m.hidden);
  latent_down_backward(s, add, "qkv_dgrad", w.queries + w.keys_values);
}

}  // namespace

void attention_forward(const TrainSizes& s, PhaseBuilder& add) {
  const Widths w(s);
  const double d = s.m.hidden;
  add.norm("norm before attention", s.own, d);
  if (s.m.attention.latent) latent_forward(s, add, w);
  else grouped_forward(s, add, w);
  add.attention(false);
  if (s.q.selective_recompute) compressed(s, add, w, "attention's output kept in E5M6");
  add.cast_with_scales("cast", s.tokens, w.values);
  add.gemm("o", s.tokens, d, w.values);
  add.move("scale", "other", 2 * s.own * d * kBf16);
  add.norm("norm before MLP", s.own, d);   // adds the residual on its way
  if (s.q.moe) router_forward(s, add);
  add.cast("cast for MLP", s.own, d);
}

void attention_backward(const TrainSizes& s, PhaseBuilder& add) {
  const Widths w(s);
  const double d = s.m.hidden;
  if (s.q.moe) router_backward(s, add);
  add.norm_backward("gradient of norm before MLP", s.own, d);
  add.move("scale", "other", 2 * s.own * d * kBf16);
  if (s.q.selective_recompute) compressed(s, add, w, "attention's output from E5M6");
  input_gradient(s, add, "o_dgrad", d, w.values);
  add.cast_transposed("attention's output for o's weight", s.tokens, w.values);
  add.cast_transposed("gradient for o's weight", s.tokens, d);
  if (s.m.attention.latent) latent_backward(s, add, w);
  else grouped_backward(s, add, w);
  add.norm_backward("gradient of norm before attention", s.own, d);
}

void attention_weight(const TrainSizes& s, PhaseBuilder& add) {
  const LlmAttention& a = s.m.attention;
  const Widths w(s);
  const double d = s.m.hidden;
  add.wgrad("o_wgrad", d, w.values, s.tokens);
  if (!a.latent) return add.wgrad("qkv_wgrad", w.queries + w.keys_values, d, s.tokens);
  add.wgrad("kv_b_wgrad", w.expanded, a.kv_lora, s.tokens);
  if (a.q_lora > 0) add.wgrad("q_b_wgrad", w.queries, a.q_lora, s.tokens);
  add.wgrad("kv_a_wgrad", w.latent, d, s.tokens);
  add.wgrad(a.q_lora > 0 ? "q_a_wgrad" : "q_wgrad", a.q_lora > 0 ? a.q_lora : w.queries, d, s.tokens);
}

}  // namespace weft::models
