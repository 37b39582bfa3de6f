#include "models/llm/ops.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "models/llm/counts.h"
#include "models/llm/op_builder.h"
#include "sim/core/error.h"

namespace weft::models {
namespace {

constexpr double kBf16 = 2;

void check(const Llm& m, const OpRequest& q) {
  const auto whole = [](double v) { return std::floor(v) == v; };
  if (q.phase == Phase::decode ? !whole(q.tokens / q.queries) : !whole(q.tokens / q.context)) {
    if (q.phase == Phase::decode) throw UserError("--queries", fmt::format("{:g} tokens are no whole number of requests with {:g} queries each", q.tokens, q.queries));
    throw UserError("--tokens", fmt::format("{:g} tokens are no whole number of sequences of {:g}", q.tokens, q.context), "--context says how long a sequence is");
  }
  if (m.moe_layers == 0) {
    if (q.ep != 1) throw UserError("--ep", fmt::format("{} has no experts to spread", m.name));
    return;
  }
  if (!whole((m.experts + q.redundant) / q.ep)) {
    throw UserError("--ep", fmt::format("{:g} GPUs cannot hold {:g} experts evenly", q.ep, m.experts + q.redundant),
                    "--redundant says how many copies there are beyond one each");
  }
}

/// Projections and core of a layer's attention.
class AttentionOps {
 public:
  AttentionOps(const Llm& m, const OpRequest& q, OpBlock& block) : m_(m), a_(m.attention), q_(q), add_(block, q) {}

  void latent() {
    const double t = q_.tokens, absorbed = q_.phase == Phase::decode && q_.absorbed;
    const bool fused = a_.q_lora > 0 && (q_.fused || q_.phase == Phase::decode);
    if (fused) add_.gemm("qkv_a", t, a_.q_lora + a_.kv_lora + a_.rope, m_.hidden);
    else if (a_.q_lora > 0) add_.gemm("q_a", t, a_.q_lora, m_.hidden);
    if (!fused) add_.gemm("kv_a", t, a_.kv_lora + a_.rope, m_.hidden);
    add_.gemm(a_.q_lora > 0 ? "q_b" : "q", t, a_.heads * a_.d_qk, a_.q_lora > 0 ? a_.q_lora : m_.hidden);
    if (absorbed) {
      add_.batched("absorb_q", t, a_.kv_lora, a_.nope, a_.heads);
      absorbed_core();
      add_.batched("absorb_v", t, a_.d_v, a_.kv_lora, a_.heads);
    } else {
      const double expanded = q_.phase == Phase::decode ? t / q_.queries * q_.context : t;
      add_.gemm("kv_b", expanded, a_.heads * (a_.nope + a_.d_v), a_.kv_lora);
      core();
    }
    add_.gemm("o", t, m_.hidden, a_.heads * a_.d_v);
  }

  void grouped() {
    add_.gemm("qkv", q_.tokens, a_.heads * a_.d_qk + a_.kv_heads * (a_.d_qk + a_.d_v), m_.hidden);
    core();
    add_.gemm("o", q_.tokens, m_.hidden, a_.heads * a_.d_v);
  }

 private:
  void core() {
    if (q_.phase == Phase::decode) return decode_core();
    const double sequences = q_.tokens / q_.context;
    const double pairs = sequences * attention_pairs(q_.context, true, a_.window_layers > 0 ? a_.window : 0);
    LlmOp op;
    op.name = "core_attention";
    op.m = q_.tokens, op.n = q_.context, op.k = a_.d_qk, op.groups = a_.heads;
    op.variant = "bfloat16";
    op.family = "attention_forward";
    op.shape = {{"batch", sequences}, {"heads", a_.heads}, {"kv_heads", a_.kv_heads}, {"seq", q_.context},
                {"d_qk", a_.d_qk}, {"d_v", a_.d_v}, {"causal", 1}};
    const double queries = q_.tokens * a_.heads * a_.d_qk * kBf16, values = q_.tokens * a_.heads * a_.d_v * kBf16;
    const double cache = q_.tokens * a_.kv_heads * (a_.d_qk + a_.d_v) * kBf16;
    op.flops = flops_per_pair(m_) * pairs;
    op.in = Bytes(queries + cache);
    op.out = Bytes(values);
    add_.forward(op);
    // Backward: five products, S = QK' again, dV, dP, dQ, dK: three of width d_qk, two of d_v.
    op.family = "attention_backward";   // of the same shape
    op.flops = Flops(2 * a_.heads * pairs * (3 * a_.d_qk + 2 * a_.d_v));
    op.in = Bytes(queries + cache + 2 * values);
    op.out = Bytes(queries + cache);
    add_.input_gradient(op);
  }

  /// Queries against keys and values per head (group), which are read once for all queries of a request.
  void decode_core() {
    const double requests = q_.tokens / q_.queries;
    const double seen = a_.window_layers > 0 ? std::min(a_.window, q_.context) : q_.context;
    LlmOp op;
    op.name = "core_attention";
    op.m = q_.tokens, op.n = seen, op.k = a_.d_qk, op.groups = a_.heads;
    op.flops = flops_per_pair(m_) * (q_.tokens * seen);
    op.weights = Bytes(requests * seen * a_.kv_heads * (a_.d_qk + a_.d_v) * kBf16);
    op.in = Bytes(q_.tokens * a_.heads * a_.d_qk * kBf16);
    op.out = Bytes(q_.tokens * a_.heads * a_.d_v * kBf16);
    op.family = "memory";   // it reads its cache, and little else takes time
    op.variant = "read";
    op.shape = {{"bytes", (op.weights + op.in + op.out).value()}};
    add_.forward(op);
  }

  void absorbed_core() {
    const double requests = q_.tokens / q_.queries, width = a_.kv_lora + a_.rope;
    const double cached = q_.fp8_cache ? kv_bytes_per_token_fp8_mla(m_).value() / m_.layers : width * kBf16;
    LlmOp op;
    op.name = "core_attention";
    op.m = q_.tokens, op.n = q_.context, op.k = width, op.groups = a_.heads;
    op.family = "mla_decode";
    op.variant = q_.fp8_cache ? "fp8_kv" : "bfloat16";
    op.shape = {{"batch", requests}, {"heads", a_.heads}, {"s_q", q_.queries}, {"kv", q_.context}};
    op.flops = flops_per_pair(m_, true) * (q_.tokens * q_.context);
    op.weights = Bytes(requests * q_.context * cached);
    op.in = Bytes(q_.tokens * a_.heads * width * kBf16);
    op.out = Bytes(q_.tokens * a_.heads * a_.kv_lora * kBf16);
    add_.forward(op);
  }

  const Llm& m_;
  const LlmAttention& a_;
  const OpRequest& q_;
  OpBuilder add_;
};

void attention(const Llm& m, const OpRequest& q, OpBlock& block) {
  AttentionOps ops(m, q, block);
  if (m.attention.latent) ops.latent();
  else ops.grouped();
}

void moe_ffn(const Llm& m, const OpRequest& q, OpBlock& block) {
  OpBuilder add(block, q);
  const double t = q.tokens, rows = t * m.topk, here = (m.experts + q.redundant) / q.ep;
  add.router("router", t, m.experts, m.hidden);
  if (m.shared_inter > 0) {
    add.gemm("shared_gate_up", t, 2 * m.shared_inter, m.hidden);
    add.gemm("shared_down", t, m.hidden, m.shared_inter);
  }
  add.grouped("routed_gate_up", rows, 2 * m.expert_inter, m.hidden, here);
  add.grouped("routed_down", rows, m.hidden, m.expert_inter, here);
}

void dense_ffn(const Llm& m, const OpRequest& q, OpBlock& block) {
  OpBuilder add(block, q);
  add.gemm("gate_up", q.tokens, 2 * m.dense_inter, m.hidden);
  add.gemm("down", q.tokens, m.hidden, m.dense_inter);
}

}  // namespace

KernelCall kernel_call_of(const LlmOp& op) {
  return kernel_call(kernel_family(op.family, op.name), op.variant, op.shape, op.name);
}

std::vector<OpBlock> ops_of(const Llm& m, const OpRequest& q) {
  check(m, q);
  std::vector<OpBlock> blocks;
  const auto layer = [&](const char* name, double layers, bool moe) {
    if (layers == 0) return;
    OpBlock& b = blocks.emplace_back(OpBlock{name, layers, {}, {}, {}});
    attention(m, q, b);
    if (moe) moe_ffn(m, q, b);
    else dense_ffn(m, q, b);
  };
  layer("dense layer", m.dense_layers(), false);
  layer("MoE layer", m.moe_layers, true);
  if (m.mtp_modules > 0) {
    OpBlock& b = blocks.emplace_back(OpBlock{"MTP module (beside a layer and the head)", m.mtp_modules, {}, {}, {}});
    OpBuilder(b, q).gemm("eh_proj", q.tokens, m.hidden, 2 * m.hidden);
  }
  OpBlock& b = blocks.emplace_back(OpBlock{"head", 1, {}, {}, {}});
  // Prefill needs the next token of each prompt alone.
  OpBuilder(b, q).plain("head", q.phase == Phase::prefill ? q.tokens / q.context : q.tokens, m.vocab, m.hidden, kBf16);
  return blocks;
}

}  // namespace weft::models
