#include "models/llm/infer_builder.h"

#include <algorithm>
#include <cmath>

#include "models/llm/counts.h"

namespace weft::models {
namespace {

constexpr double kBf16 = 2, kFp32 = 4;
constexpr double kTile = 128;      // rows of a tile of a grouped product
constexpr double kGateKernels = 4; // affinities, scores of groups, choice, weights

TrainShape as_training(const Llm& m, const InferShape& q) {
  TrainShape t;
  t.tokens = std::ceil(q.tokens);
  t.sequence = t.tokens;
  t.ep = q.ep;
  t.tp = q.tp;
  t.selective_recompute = false;
  t.fp8 = q.fp8;
  t.moe = m.moe_layers > 0;
  return t;
}

TrainSizes sizes(const Llm& m, const InferShape& q, const TrainShape& t) {
  TrainSizes s(m, t);
  if (!t.moe) return s;
  s.groups = (m.experts + q.redundant) / q.ep;
  s.rows = q.rows(m);
  s.received = s.rows * received_share(m, q.ep);
  if (!q.decode && q.aligned) s.rows += s.groups * kTile / 2;
  return s;
}

}  // namespace

InferBuilder::InferBuilder(const Llm& m, const InferShape& shape)
    : m_(m), q_(shape), as_training_(as_training(m, shape)), sizes_(sizes(m, shape, as_training_)), add_(sizes_), tokens_(as_training_.tokens), d_(m.hidden) {}

/// Its operands: queries or values of every head, and the weights, all in BF16.
void InferBuilder::batched(const char* name, double n, double k) {
  add_.move(name, "other", sizes_.heads * (tokens_ * (n + k) + n * k) * kBf16);
  add_.last().flops = Flops(2 * tokens_ * sizes_.heads * n * k);
}

/// Decode's casts write scales as products read them (DeepGEMM's README: fuse that into the kernel before); prefill runs the profile's own kernels.
void InferBuilder::cast_for_product(const char* name, double rows, double columns) {
  add_.cast(name, rows, columns);
  if (!q_.decode) add_.scales(rows, columns);
}

void InferBuilder::latent_down() {
  const LlmAttention& a = m_.attention;
  const double latent = a.kv_lora + a.rope;
  cast_for_product("cast", tokens_, d_);
  if (a.q_lora > 0) {
    add_.gemm("qkv_a", tokens_, a.q_lora + latent, d_);
    add_.norm("norm of q latent", tokens_, a.q_lora);
    cast_for_product("cast of q latent", tokens_, a.q_lora);
  } else {
    add_.gemm("kv_a", tokens_, latent, d_);
  }
  add_.norm("norm of kv latent", tokens_, a.kv_lora);
  add_.gemm(a.q_lora > 0 ? "q_b" : "q", tokens_, sizes_.heads * a.d_qk, a.q_lora > 0 ? a.q_lora : d_);
}

void InferBuilder::latent_up_for_decode() {
  const LlmAttention& a = m_.attention;
  batched("absorb_q", a.kv_lora, a.nope);
  add_.rope("rope of queries", sizes_.heads);
  add_.rope("rope of key", 1);
  add_.copy("into the cache", tokens_ * (a.kv_lora + a.rope));
}

void InferBuilder::latent_up_for_prefill() {
  const LlmAttention& a = m_.attention;
  const double expanded = tokens_ + std::ceil(q_.cached);
  add_.rope("rope of queries", sizes_.heads);
  add_.rope("rope of key", 1);
  add_.copy("into the cache", tokens_ * (a.kv_lora + a.rope));
  cast_for_product("cast of kv latent", expanded, a.kv_lora);
  add_.gemm("kv_b", expanded, sizes_.heads * (a.nope + a.d_v), a.kv_lora);
  add_.copy("keys", expanded * sizes_.heads * a.nope);
  // One rotary key written beside those of every head: strided like the rotation itself.
  add_.move("rotary key to heads", "rope", expanded * (sizes_.heads + 1) * a.rope * kBf16);
}

void InferBuilder::grouped_projection() {
  const LlmAttention& a = m_.attention;
  const double width = sizes_.heads * a.d_qk + sizes_.kv_heads * (a.d_qk + a.d_v);
  cast_for_product("cast", tokens_, d_);
  add_.gemm("qkv", tokens_, width, d_);
  if (a.qkv_bias) add_.move("bias", "residual", 2 * tokens_ * width * kBf16);
  if (a.qk_norm) add_.norm("norm of queries and keys", tokens_ * (sizes_.heads + sizes_.kv_heads), a.d_qk);
  add_.rope("rope", sizes_.heads + sizes_.kv_heads);
  add_.copy("into the cache", tokens_ * sizes_.kv_heads * (a.d_qk + a.d_v));
}

void InferBuilder::attention_before() {
  add_.residual("residual", tokens_ * d_);
  add_.norm("norm before attention", tokens_, d_);
  if (!m_.attention.latent) return grouped_projection();
  latent_down();
  if (q_.decode) latent_up_for_decode();
  else latent_up_for_prefill();
}

void InferBuilder::core() {
  const LlmAttention& a = m_.attention;
  if (!q_.decode) {
    // Prompts of one length that see as many pairs as these do; the rest of a prompt's part of the time.
    const double seq = std::clamp(std::round(2 * q_.pairs / tokens_), 1.0, 1e9);
    const double each = seq * (seq + 1) / 2, batch = std::max(1.0, std::round(q_.pairs / each));
    add_.attention_of(batch, seq, q_.pairs / (batch * each));
    return;
  }
  const double kv = std::max(1.0, std::ceil(q_.kv_tokens / q_.requests));
  if (a.latent) {
    add_.mla_decode(q_.requests, std::max(1.0, std::round(q_.tokens / q_.requests)), kv, q_.fp8_cache);
    add_.last().flops = flops_per_pair(m_, true) * (tokens_ * kv / q_.tp);
    return;
  }
  const double windowed = a.window_layers / m_.layers;   // of the layers: the mean layer
  const double seen = windowed > 0 ? windowed * std::min(a.window, kv) + (1 - windowed) * kv : kv;
  add_.read("attention", (q_.requests * seen * sizes_.kv_heads + tokens_ * sizes_.heads) * (a.d_qk + a.d_v) * kBf16);
  add_.last().flops = flops_per_pair(m_) * (tokens_ * seen / q_.tp);
}

void InferBuilder::router() {
  const double scores = sizes_.own * m_.experts;
  add_.plain_gemm("router", std::ceil(sizes_.own), m_.experts, d_);
  add_.move("gate", "other", 2 * scores * kFp32, kGateKernels - 1);
  add_.select("top experts", std::ceil(sizes_.own), m_.experts, m_.topk);
}

void InferBuilder::attention_after() {
  const LlmAttention& a = m_.attention;
  core();
  if (q_.decode && a.latent) batched("absorb_v", a.d_v, a.kv_lora);
  cast_for_product("cast of attention's output", tokens_, sizes_.heads * a.d_v);
  add_.gemm("o", tokens_, d_, sizes_.heads * a.d_v);
  add_.residual("residual", sizes_.own * d_);
  add_.norm("norm before MLP", sizes_.own, d_);
  if (m_.moe_layers > 0) router();
  // Prefill's dispatch takes rows in FP8; decode's casts what it sends.
  if (!q_.decode) add_.cast("cast", sizes_.own, d_);
}

/// Of models with experts every GPU has these whole and works on its own tokens (arXiv:2412.19437 3.4: tensor parallelism 1); of others GPUs of a
/// group share them.
void InferBuilder::gated_mlp(const char* up, const char* down, double inter) {
  if (inter <= 0) return;
  const double rows = m_.moe_layers > 0 ? std::ceil(sizes_.own) : tokens_, part = m_.moe_layers > 0 ? inter : inter / q_.tp;
  if (q_.decode) add_.cast("cast", rows, d_);
  if (!q_.decode) add_.scales(rows, d_);
  add_.gemm(up, rows, 2 * part, d_);
  add_.move("SwiGLU", "swiglu", rows * (2 * part * kBf16 + (add_.fp8() ? add_.fp8_row(part) : part * kBf16)));
  if (!q_.decode) add_.scales(rows, part);
  add_.gemm(down, rows, d_, part);
}

void InferBuilder::shared() { gated_mlp("shared_gateup", "shared_down", m_.shared_inter); }
void InferBuilder::dense_mlp() { gated_mlp("gate_up", "down", m_.dense_inter); }

void InferBuilder::experts() {
  const double inter = m_.expert_inter, rows = sizes_.rows;
  const double row = add_.fp8() ? add_.fp8_row(d_) : d_ * kBf16;
  const auto product = [&](const char* name, double n, double k) { q_.decode ? add_.masked(name, n, k) : add_.grouped(name, n, k); };
  if (!q_.decode) {
    add_.walk("map of received tokens", sizes_.received * m_.topk, 2);
    add_.move("expand", "permute", (sizes_.received + rows) * row);
    add_.scales(rows, d_);
  }
  product("routed_gateup", 2 * inter, d_);
  add_.move("routed SwiGLU", "swiglu", rows * (2 * inter * kBf16 + (add_.fp8() ? add_.fp8_row(inter) : inter * kBf16)));
  if (!q_.decode) add_.scales(rows, inter);
  product("routed_down", d_, inter);
  if (!q_.decode) add_.move("reduce", "reduce", (rows + sizes_.received) * d_ * kBf16);
}

void InferBuilder::exchange_end(InferPhase phase) {
  const double own = sizes_.own * m_.topk, got = sizes_.rows, small = add_.fp8() ? add_.fp8_row(d_) : d_ * kBf16, large = d_ * kBf16, back = d_ * q_.combine_element;
  switch (phase) {
    case InferPhase::dispatch_send: return add_.move("dispatch sends", "cast", sizes_.own * large + own * small);   // cast, and a message a selection
    case InferPhase::dispatch_receive: return add_.move("dispatch receives", "permute", 2 * got * small);           // into the experts' rows
    case InferPhase::combine_send: return add_.move("combine sends", "permute", got * (large + back));
    default: return add_.move("combine receives", "reduce", (own + sizes_.own) * large - own * (large - back));    // the weighted sum
  }
}

void InferBuilder::embedding() { add_.copy("embedding", tokens_ * d_); }

void InferBuilder::head() {
  const double rows = std::ceil(q_.decode ? q_.tokens : std::max(1.0, q_.prompts)), words = m_.vocab / q_.tp;
  add_.move("last norm", "norm", 2 * rows * d_ * kBf16);
  add_.plain_gemm("head", rows, words, d_);
  add_.move("sampling", "other", 2 * rows * words * kFp32);
}

void InferBuilder::mtp_projection() {
  add_.norm("norm of hidden", tokens_, d_);
  add_.norm("norm of embedding", tokens_, d_);
  cast_for_product("cast", tokens_, 2 * d_);
  add_.gemm("eh_proj", tokens_, d_, 2 * d_);
}

}  // namespace weft::models
