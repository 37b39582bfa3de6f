#include "workloads/inference/memory.h"

#include <algorithm>

#include "models/llm/counts.h"

namespace weft::workloads::inference {
namespace {

using models::Llm;
using models::LlmAttention;

constexpr double kBf16 = 2;
constexpr double kFp8 = 1 + 4.0 / (128 * 128);   // with its scale

/// Bytes of a weight of a matrix product.
double matrix_bytes(const Deployment& d) { return d.fp8 ? kFp8 : kBf16; }

/// GPUs over which keys and values are spread: a group may have more GPUs than the model has pairs, some then hold the same one.
double kv_shards(const Llm& m, const Deployment& d) { return std::min<double>(d.tp, m.attention.kv_heads); }

double kv_b_parameters(const Llm& m) {
  const LlmAttention& a = m.attention;
  return a.latent ? a.kv_lora * a.heads * (a.nope + a.d_v) : 0;
}

/// Of one layer, in BF16 in place of what it has in `attention`.
bool absorbs(const Llm& m, const Deployment& d) { return m.attention.latent && d.stage == Stage::decode; }

/// A GPU's share of one layer's attention, kv_b apart: matrices and the rest (norms, biases), which is not worth spreading.
struct AttentionShare {
  double matrices = 0, kv_b = 0, rest = 0;
};

AttentionShare attention_share(const Llm& m, const Deployment& d) {
  const LlmAttention& a = m.attention;
  const double all = models::attention_matmul_parameters(m), tp = d.tp;
  AttentionShare s;
  s.rest = models::attention_parameters(m) - all;
  if (a.latent) {
    const double down = m.hidden * (a.q_lora + a.kv_lora + a.rope), kv_b = kv_b_parameters(m);   // heads share the down-projections
    s.matrices = (all - down - kv_b) / tp + down;
    s.kv_b = kv_b / tp;
    return s;
  }
  const double kv = m.hidden * a.kv_heads * (a.d_qk + a.d_v);
  s.matrices = (all - kv) / tp + kv / kv_shards(m, d);
  return s;
}

/// What `layers` layers have in attention, with kv_b counted where it is held.
void add_attention(const Llm& m, const Deployment& d, double layers, Bytes& attention, Bytes& absorbed) {
  const AttentionShare s = attention_share(m, d);
  attention += Bytes(layers * (s.matrices * matrix_bytes(d) + s.rest * kBf16));
  if (absorbs(m, d)) absorbed += Bytes(layers * s.kv_b * kBf16);
  else attention += Bytes(layers * s.kv_b * matrix_bytes(d));
}

double experts_per_gpu(const Llm& m, const Deployment& d) { return m.moe_layers > 0 ? (m.experts + d.redundant) / d.ep : 0; }

Bytes routed_of_layer(const Llm& m, const Deployment& d) { return Bytes(experts_per_gpu(m, d) * models::expert_parameters(m) * matrix_bytes(d)); }
Bytes shared_of_layer(const Llm& m, const Deployment& d) { return Bytes(models::shared_expert_parameters(m) * matrix_bytes(d)); }
Bytes router_of_layer(const Llm& m) { return Bytes(models::router_parameters(m) * kBf16); }
Bytes dense_of_layer(const Llm& m, const Deployment& d) {
  return Bytes(models::dense_ffn_parameters(m) * matrix_bytes(d) / (m.moe_layers > 0 ? 1 : d.tp));
}

/// A layer, the projection of [hidden; embedding], and five norms.
Bytes mtp_of(const Llm& m, const Deployment& d) {
  if (d.mtp == 0) return {};
  Bytes module = m.moe_layers > 0 ? routed_of_layer(m, d) + shared_of_layer(m, d) + router_of_layer(m) : dense_of_layer(m, d);
  add_attention(m, d, 1, module, module);
  return m.mtp_modules * (module + Bytes(2 * m.hidden * m.hidden * matrix_bytes(d) + 5 * m.hidden * kBf16));
}

/// Bytes of a token in one layer of one copy.
double layer_token_bytes(const Llm& m, const Deployment& d) {
  const Bytes all = d.fp8_cache && m.attention.latent ? models::kv_bytes_per_token_fp8_mla(m) : models::kv_bytes_per_token(m);
  return all.value() / m.layers;
}

double mtp_layers(const Llm& m, const Deployment& d) { return d.mtp > 0 ? m.mtp_modules : 0; }

/// Of what a copy keeps of a token, the part on one GPU.
double cache_share(const Llm& m, const Deployment& d) { return m.attention.latent ? 1 : 1 / kv_shards(m, d); }

}  // namespace

UnitMemory memory_of(const Llm& m, const Deployment& d, Bytes gpu_memory) {
  UnitMemory u;
  u.experts = experts_per_gpu(m, d);
  u.routed_experts = m.moe_layers * routed_of_layer(m, d);
  if (m.moe_layers > 0) u.shared_experts = m.moe_layers * shared_of_layer(m, d), u.router = m.moe_layers * router_of_layer(m);
  add_attention(m, d, m.layers, u.attention, u.absorbed);
  if (m.dense_layers() > 0) u.dense_ffn = m.dense_layers() * dense_of_layer(m, d);
  u.vocabulary = Bytes((m.tied ? 1 : 2) * m.vocab * m.hidden * kBf16 / d.tp);
  u.norms = Bytes((2 * m.layers + 1) * m.hidden * kBf16);
  u.mtp = mtp_of(m, d);
  u.workspace = d.workspace;
  u.usable = d.memory_part * gpu_memory;
  u.cache_per_token = cache_share(m, d) * cache_bytes_per_token(m, d);
  return u;
}

Bytes cache_bytes_per_token(const Llm& m, const Deployment& d) { return Bytes(layer_token_bytes(m, d) * (m.layers + mtp_layers(m, d))); }

Bytes cache_of_request(const Llm& m, const Deployment& d, double tokens) {
  const double windowed = m.attention.window > 0 ? m.attention.window_layers : 0;
  const double kept = (m.layers + mtp_layers(m, d) - windowed) * tokens + windowed * std::min(tokens, m.attention.window);
  return Bytes(cache_share(m, d) * layer_token_bytes(m, d) * kept);
}

double requests_of(const Llm& m, const Deployment& d, const UnitMemory& memory, double tokens) {
  return memory.cache() / cache_of_request(m, d, tokens);
}

}  // namespace weft::workloads::inference
