#include "models/llm/counts.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::models {
namespace {

double router_weights(const Llm& m) { return m.experts * m.hidden; }
double shared_gate_weights(const Llm& m) { return m.shared_gate ? m.hidden : 0; }

double norms(const Llm& m) { return m.layers * 2 * m.hidden + m.hidden; }
double vocabulary(const Llm& m) { return m.vocab * m.hidden; }

/// Of one MTP module beyond embedding and head: a layer, the projection of [hidden; embedding], and three more norms.
double mtp_module(const Llm& m, double ffn) {
  return attention_parameters(m) + ffn + 2 * m.hidden + 2 * m.hidden * m.hidden + 3 * m.hidden;
}

}  // namespace

double attention_matmul_parameters(const Llm& m) {
  const LlmAttention& a = m.attention;
  if (!a.latent) return m.hidden * (a.heads * a.d_qk + a.kv_heads * (a.d_qk + a.d_v)) + a.heads * a.d_v * m.hidden;
  const double q = a.q_lora > 0 ? m.hidden * a.q_lora + a.q_lora * a.heads * a.d_qk : m.hidden * a.heads * a.d_qk;
  return q + m.hidden * (a.kv_lora + a.rope) + a.kv_lora * a.heads * (a.nope + a.d_v) + a.heads * a.d_v * m.hidden;
}

double attention_parameters(const Llm& m) {
  const LlmAttention& a = m.attention;
  double extra = 0;
  if (a.latent) {
    extra += a.q_lora + a.kv_lora;   // RMSNorms of the two latent vectors
    if (a.qkv_bias) extra += a.q_lora + a.kv_lora + a.rope;
  } else {
    if (a.qkv_bias) extra += a.heads * a.d_qk + a.kv_heads * (a.d_qk + a.d_v);
    if (a.qk_norm) extra += 2 * a.d_qk;
  }
  if (a.o_bias) extra += m.hidden;
  return attention_matmul_parameters(m) + extra;
}

double dense_ffn_parameters(const Llm& m) {
  return 3 * m.hidden * m.dense_inter + (m.ffn_bias ? 2 * m.dense_inter + m.hidden : 0);
}
double expert_parameters(const Llm& m) { return 3 * m.hidden * m.expert_inter; }
double shared_expert_parameters(const Llm& m) { return 3 * m.hidden * m.shared_inter + shared_gate_weights(m); }
double router_parameters(const Llm& m) { return router_weights(m) + (m.router_bias ? m.experts : 0); }
double moe_ffn_parameters(const Llm& m) {
  return m.experts * expert_parameters(m) + shared_expert_parameters(m) + router_parameters(m);
}
double moe_ffn_active_parameters(const Llm& m) {
  return m.topk * expert_parameters(m) + shared_expert_parameters(m) + router_parameters(m);
}

Parameters parameters(const Llm& m) {
  Parameters p;
  const auto add = [&](std::string name, std::string what, double total, double active) {
    if (total > 0) p.parts.push_back({std::move(name), std::move(what), total, active});
  };
  const auto all = [&](std::string name, std::string what, double total) { add(std::move(name), std::move(what), total, total); };
  all("input embedding", fmt::format("{:.0f} x {:.0f}{}", m.vocab, m.hidden, m.tied ? ", also the head" : ""), vocabulary(m));
  all(m.attention.latent ? "attention (MLA)" : "attention", fmt::format("{:.0f} layers", m.layers), m.layers * attention_parameters(m));
  all("dense FFN", fmt::format("{:.0f} layers", m.dense_layers()), m.dense_layers() * dense_ffn_parameters(m));
  add("routed experts", fmt::format("{:.0f} layers x {:.0f} experts, {:.0f} in use", m.moe_layers, m.experts, m.topk),
      m.moe_layers * m.experts * expert_parameters(m), m.moe_layers * m.topk * expert_parameters(m));
  all("shared experts", fmt::format("{:.0f} layers", m.moe_layers), m.moe_layers * shared_expert_parameters(m));
  all("router", fmt::format("{:.0f} layers", m.moe_layers), m.moe_layers * router_parameters(m));
  all("norms", fmt::format("two a layer, one at the end, {:.0f} each", m.hidden), norms(m));
  // A tied head is stored once, as the embedding, but each token is multiplied with it.
  p.parts.push_back({"head", fmt::format("{:.0f} x {:.0f}", m.vocab, m.hidden), m.tied ? 0 : vocabulary(m), vocabulary(m)});
  if (m.mtp_modules > 0) {
    const bool moe = m.moe_layers > 0;
    p.mtp_unique = m.mtp_modules * mtp_module(m, moe ? moe_ffn_parameters(m) : dense_ffn_parameters(m));
    p.mtp_active = m.mtp_modules * (mtp_module(m, moe ? moe_ffn_active_parameters(m) : dense_ffn_parameters(m)) + 2 * vocabulary(m));
  }
  return p;
}

double Parameters::total() const {
  double sum = 0;
  for (const ParameterPart& p : parts) sum += p.total;
  return sum;
}

double Parameters::active_with_embedding() const {
  double sum = 0;
  for (const ParameterPart& p : parts) sum += p.active;
  return sum;
}

double Parameters::active() const { return active_with_embedding() - parts.front().active; }

Bytes kv_bytes_per_token(const Llm& m) {
  constexpr double bf16 = 2;
  const LlmAttention& a = m.attention;
  const double width = a.latent ? a.kv_lora + a.rope : a.kv_heads * (a.d_qk + a.d_v);
  return Bytes(width * bf16 * m.layers);
}

Bytes kv_bytes_per_token_fp8_mla(const Llm& m) {
  const LlmAttention& a = m.attention;
  if (!a.latent) return Bytes(0);
  constexpr double fp8 = 1, fp32 = 4, bf16 = 2, block = 128;   // FlashMLA's README
  return Bytes((a.kv_lora * fp8 + a.kv_lora / block * fp32 + a.rope * bf16) * m.layers);
}

}  // namespace weft::models
