#include "models/llm/train_builder.h"

#include <algorithm>
#include <cmath>

#include "models/llm/counts.h"

namespace weft::models {
namespace {

constexpr double kBf16 = 2, kFp8 = 1, kFp32 = 4, kScaleBlock = 128;   // bytes; elements that share an FP32 scale

/// Transposing kernels work on tiles of 128 x 128.
double whole_tiles(double n) { return std::ceil(n / 128) * 128; }

}  // namespace

TrainSizes::TrainSizes(const Llm& model, const TrainShape& shape) : m(model), q(shape) {
  tokens = q.tokens;
  own = q.sequence_parallel ? q.tokens / q.tp : q.tokens;
  heads = m.attention.heads / q.tp;
  kv_heads = std::max(1.0, m.attention.kv_heads / q.tp);
  shared = (q.moe ? m.shared_inter : m.dense_inter) / q.tp;
  groups = q.moe ? m.experts / q.ep : 0;
  rows = !q.moe ? 0 : q.routed_rows > 0 ? q.routed_rows : q.tokens / q.tp * m.topk;
  received = !q.moe ? 0 : q.received > 0 ? q.received : rows * received_share(m, q.ep);
}

PhaseKernel& PhaseBuilder::add(const std::string& name, const char* family, const std::string& variant, const std::map<std::string, double>& shape) {
  PhaseKernel k;
  k.name = name;
  k.call = kernel_call(kernel_family(family, name), variant, shape, name);
  return kernels_.emplace_back(std::move(k));
}

void PhaseBuilder::gemm(const std::string& name, double rows, double n, double k) {
  add(name, "gemm", fp8() ? "fp8_block" : "bfloat16", {{"m", rows}, {"n", n}, {"k", k}}).flops = Flops(2 * rows * n * k);
}

void PhaseBuilder::plain_gemm(const std::string& name, double rows, double n, double k) {
  add(name, "gemm", "bfloat16", {{"m", rows}, {"n", n}, {"k", k}}).flops = Flops(2 * rows * n * k);
}

void PhaseBuilder::grouped(const std::string& name, double n, double k) {
  add(name, "grouped_gemm", fp8() ? "fp8_contiguous" : "bfloat16", {{"groups", s_.groups}, {"m", s_.rows / s_.groups}, {"n", n}, {"k", k}})
      .flops = Flops(2 * s_.rows * n * k);
}

void PhaseBuilder::wgrad(const std::string& name, double m, double n, double k) {
  add(name, "gemm_wgrad", fp8() ? "fp8_block" : "bfloat16", {{"m", m}, {"n", n}, {"k", k}}).flops = Flops(2 * m * n * k);
}

void PhaseBuilder::plain_wgrad(const std::string& name, double m, double n, double k) {
  add(name, "gemm_wgrad", "bfloat16", {{"m", m}, {"n", n}, {"k", k}}).flops = Flops(2 * m * n * k);
}

void PhaseBuilder::grouped_wgrad(const std::string& name, double m, double n) {
  for (const std::uint32_t stream : {0U, 1U}) {
    const double count = stream == 0 ? std::ceil(s_.groups / 2) : std::floor(s_.groups / 2);
    if (count == 0) continue;
    wgrad(name, m, n, std::max(1.0, std::round(s_.rows / s_.groups)));   // a kernel sums over whole rows
    PhaseKernel& k = kernels_.back();
    k.count = count;
    k.stream = stream;
    k.flops = Flops(2 * m * n * s_.rows * count / s_.groups);
  }
}

void PhaseBuilder::attention(bool backward) {
  const LlmAttention& a = s_.m.attention;
  PhaseKernel& k = add(backward ? "attention_backward" : "attention", backward ? "attention_backward" : "attention_forward", "bfloat16",
                       {{"batch", s_.tokens / s_.q.sequence}, {"heads", s_.heads}, {"kv_heads", s_.kv_heads}, {"seq", s_.q.sequence},
                        {"d_qk", a.d_qk}, {"d_v", a.d_v}, {"causal", 1}});
  const double pairs = s_.tokens / s_.q.sequence * attention_pairs(s_.q.sequence, true, a.window_layers > 0 ? a.window : 0);
  k.flops = Flops(2 * s_.heads * pairs * (backward ? 3 * a.d_qk + 2 * a.d_v : a.d_qk + a.d_v));
}

void PhaseBuilder::attention_of(double batch, double seq, double count) {
  const LlmAttention& a = s_.m.attention;
  PhaseKernel& k = add("attention", "attention_forward", "bfloat16",
                       {{"batch", batch}, {"heads", s_.heads}, {"kv_heads", s_.kv_heads}, {"seq", seq}, {"d_qk", a.d_qk}, {"d_v", a.d_v}, {"causal", 1}});
  k.count = count;
  k.flops = Flops(2 * s_.heads * batch * attention_pairs(seq, true) * (a.d_qk + a.d_v) * count);   // a window, where there is one, is not counted
}

void PhaseBuilder::mla_decode(double requests, double queries, double kv, bool fp8_cache) {
  add("attention", "mla_decode", fp8_cache ? "fp8_kv" : "bfloat16", {{"batch", std::ceil(requests)}, {"heads", s_.heads}, {"s_q", queries}, {"kv", kv}});
}

void PhaseBuilder::masked(const std::string& name, double n, double k) {
  // Of few rows, which fall on experts at random, some experts get none, and their weights are not read.
  const double hit = std::max(1.0, std::ceil(s_.groups * (1 - std::exp(-s_.rows / s_.groups)) - 1e-9));
  const double rows = std::max(1.0, std::ceil(s_.rows / hit));   // whole rows of an expert
  add(name, "grouped_gemm", fp8() ? "fp8_masked" : "bfloat16", {{"groups", hit}, {"m", rows}, {"n", n}, {"k", k}})
      .flops = Flops(2 * s_.rows * n * k);
}

void PhaseBuilder::read(const std::string& name, double bytes) { add(name, "memory", "read", {{"bytes", bytes}}); }

void PhaseBuilder::move(const std::string& name, const char* variant, double bytes, double count) {
  if (bytes <= 0 || count <= 0) return;
  add(name, "elementwise", variant, {{"bytes", bytes}}).count = count;
}

void PhaseBuilder::norm(const std::string& name, double rows, double width) { move(name, "norm", 2 * rows * width * kBf16); }

void PhaseBuilder::norm_backward(const std::string& name, double rows, double width) {
  move(name, "norm", 3 * rows * width * kBf16);
  small("gradient of its weight", 2);
}

void PhaseBuilder::rope(const std::string& name, double heads) {
  const LlmAttention& a = s_.m.attention;
  move(name, "rope", 2 * s_.tokens * heads * (a.latent ? a.rope : a.d_qk) * kBf16);
}

void PhaseBuilder::small(const std::string& name, double count) {
  // A word for each token: far below what takes longer than a start.
  move(name, "other", s_.own * 8, count);
}

void PhaseBuilder::select(const std::string& name, double rows, double scores, double topk) {
  add(name, "router", "topk", {{"tokens", rows}, {"experts", scores}, {"topk", topk}}).scores = rows * scores;
}

void PhaseBuilder::walk(const std::string& name, double indices, double count) {
  move(name, "other", indices * 8, count);
  kernels_.back().indices = indices;
}

double PhaseBuilder::fp8_row(double columns) const { return columns * kFp8 + columns / kScaleBlock * kFp32; }

void PhaseBuilder::cast(const std::string& name, double rows, double columns) {
  if (fp8()) move(name, "cast", rows * (columns * kBf16 + fp8_row(columns)));
}

void PhaseBuilder::cast_back(const std::string& name, double rows, double columns) { cast(name, rows, columns); }

void PhaseBuilder::scales(double rows, double columns) {
  if (fp8()) move("scales", "transpose", 2 * rows * std::ceil(columns / kScaleBlock) * kFp32);
}

void PhaseBuilder::cast_with_scales(const std::string& name, double rows, double columns) {
  cast(name, rows, columns);
  scales(rows, columns);
}

void PhaseBuilder::transpose_weight(const std::string& name, double n, double k, double groups) {
  if (fp8()) move(name, "transpose", 2 * groups * whole_tiles(n) * whole_tiles(k) * kFp8);
}

void PhaseBuilder::cast_transposed(const std::string& name, double rows, double columns, bool from_fp8) {
  if (fp8()) move(name, "transpose", whole_tiles(rows) * whole_tiles(columns) * ((from_fp8 ? kFp8 : kBf16) + kFp8));
}

}  // namespace weft::models
