// The MLP of a layer in training: shared and routed experts, or a dense FFN, which runs as a shared expert does.
#include "models/llm/train_builder.h"

namespace weft::models {
namespace {

constexpr double kBf16 = 2;

/// Name of the always active part's products: "shared_gateup" of an MoE layer, "gate_up" of a dense one.
std::string up(const TrainSizes& s) { return s.q.moe ? "shared_gateup" : "gate_up"; }
std::string down(const TrainSizes& s) { return s.q.moe ? "shared_down" : "down"; }

/// SwiGLU of `rows` of two halves of `width`, in BF16; cast to FP8 on its way where products are in FP8.
void swiglu(PhaseBuilder& add, const std::string& name, double rows, double width) {
  add.move(name, "swiglu", rows * (2 * width * kBf16 + (add.fp8() ? add.fp8_row(width) : width * kBf16)));
}

/// Rows to and from the order of the experts, as dispatch brought them.
double permuted(const TrainSizes& s, PhaseBuilder& add) {
  return (s.received + s.rows) * (add.fp8() ? add.fp8_row(s.m.hidden) : s.m.hidden * kBf16);
}

void shared_up(const TrainSizes& s, PhaseBuilder& add) {
  add.scales(s.tokens, s.m.hidden);
  add.gemm(up(s), s.tokens, 2 * s.shared, s.m.hidden);
}

void shared_down(const TrainSizes& s, PhaseBuilder& add) {
  swiglu(add, "SwiGLU", s.tokens, s.shared);
  add.scales(s.tokens, s.shared);
  add.gemm(down(s), s.tokens, s.m.hidden, s.shared);
}

void routed_forward(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden, inter = s.m.expert_inter;
  add.walk("map of received tokens", s.received * s.m.topk, 2);
  add.move("expand", "permute", permuted(s, add));
  add.transpose_weight("weights", 2 * inter, d, s.groups);
  add.scales(s.rows, d);
  add.grouped("routed_gateup", 2 * inter, d);
  add.small("weights of experts", 1);
  swiglu(add, "routed SwiGLU", s.rows, inter);
  add.transpose_weight("weights", d, inter, s.groups);
  add.scales(s.rows, inter);
  add.grouped("routed_down", d, inter);
  add.move("reduce", "reduce", (s.rows + s.received) * d * kBf16);
}

/// Up to the gradient of SwiGLU's input.
void shared_backward_down(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden;
  if (!s.q.moe) add.cast("cast of gradient", s.tokens, d);   // to experts the gradient comes in FP8
  if (s.q.selective_recompute) add.cast_back("SwiGLU's input from FP8", s.tokens, 2 * s.shared);
  add.transpose_weight("weight", d, s.shared);
  add.scales(s.tokens, d);
  add.gemm(down(s) + "_dgrad", s.tokens, s.shared, d);
  add.cast_transposed("gradient for its weight", s.tokens, d, true);
  // Anew from its input, as an operand of the weight's gradient.
  if (s.q.selective_recompute) swiglu(add, "SwiGLU for its weight", s.tokens, s.shared);
  else add.cast_transposed("SwiGLU for its weight", s.tokens, s.shared);
  add.move("gradient of SwiGLU", "swiglu", s.tokens * 5 * s.shared * kBf16);
}

void routed_backward_down(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden, inter = s.m.expert_inter;
  if (s.q.selective_recompute) add.cast_back("routed SwiGLU's input from FP8", s.rows, 2 * inter);
  add.move("expand", "permute", permuted(s, add));
  add.scales(s.rows, d);
  add.grouped("routed_down_dgrad", inter, d);
  // Reads SwiGLU's input (two halves) and its output's gradient; writes its input's gradient and its output, with and without the token's weight.
  const double again = s.q.selective_recompute ? 2 : 0;
  add.move("routed SwiGLU and its gradient", "swiglu", s.rows * (5 + again) * inter * kBf16);
  add.move("gradient of experts' weights", "swiglu", s.rows * 2 * inter * kBf16);
  add.cast_transposed("routed SwiGLU for its weight", s.rows, inter);
  add.small("weights of experts", 1);
}

void routed_backward_up(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden, inter = s.m.expert_inter;
  add.cast_with_scales("cast of gradient", s.rows, 2 * inter);
  add.grouped("routed_gateup_dgrad", d, 2 * inter);
  add.move("reduce", "reduce", (s.rows + s.received) * d * kBf16);
  add.cast_transposed("gradient for routed_gateup's weight", s.rows, 2 * inter);
}

void shared_backward_up(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden;
  if (s.q.selective_recompute) add.cast_back("input from FP8", s.tokens, d);
  add.transpose_weight("weight", 2 * s.shared, d);
  add.cast_with_scales("cast of gradient", s.tokens, 2 * s.shared);
  add.gemm(up(s) + "_dgrad", s.tokens, d, 2 * s.shared);
  add.cast_transposed("gradient for its weight", s.tokens, 2 * s.shared);
  add.cast_transposed("input for its weight", s.tokens, d);
}

}  // namespace

void mlp_forward(const TrainSizes& s, PhaseBuilder& add) {
  const bool keep = s.q.selective_recompute;
  if (s.shared > 0) shared_up(s, add);
  if (s.q.moe) routed_forward(s, add);
  if (s.shared > 0) shared_down(s, add);
  if (keep && s.q.moe) add.cast("routed SwiGLU's input kept in FP8", s.rows, 2 * s.m.expert_inter);
  if (keep && s.shared > 0) add.cast("SwiGLU's input kept in FP8", s.tokens, 2 * s.shared);
}

void mlp_backward(const TrainSizes& s, PhaseBuilder& add) {
  if (s.shared > 0) shared_backward_down(s, add);
  if (s.q.moe) routed_backward_down(s, add);
  if (s.q.selective_recompute) {
    add.norm("norm before MLP", s.own, s.m.hidden);
    add.cast("cast", s.own, s.m.hidden);
  }
  if (s.q.moe) routed_backward_up(s, add);
  if (s.shared > 0) shared_backward_up(s, add);
}

void mlp_weight(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden;
  if (s.shared > 0) add.wgrad(down(s) + "_wgrad", d, s.shared, s.tokens);
  if (s.q.moe) {
    add.cast_transposed("gradient for routed_down's weight", s.rows, d, true);
    add.grouped_wgrad("routed_down_wgrad", d, s.m.expert_inter);
    add.cast_transposed("input for routed_gateup's weight", s.rows, d, true);
    add.grouped_wgrad("routed_gateup_wgrad", 2 * s.m.expert_inter, d);
  }
  if (s.shared > 0) add.wgrad(up(s) + "_wgrad", 2 * s.shared, d, s.tokens);
}

}  // namespace weft::models
