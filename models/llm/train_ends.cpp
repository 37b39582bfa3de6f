// What a training step has outside of layers: embedding, head, loss, the projection of an MTP module, the optimizer.
#include "models/llm/train_builder.h"

namespace weft::models {
namespace {

constexpr double kBf16 = 2, kFp32 = 4;

double vocabulary(const TrainSizes& s) { return s.m.vocab / s.q.tp; }

/// Cross-entropy as PyTorch computes it: the logits in FP32, log-softmax, its gradient, that in BF16. Fused: logits read twice, their gradient written.
void loss(const TrainSizes& s, PhaseBuilder& add, bool forward) {
  const double logits = s.tokens * vocabulary(s);
  if (s.q.fused_loss) return add.move(forward ? "cross-entropy" : "its gradient", "other", logits * kBf16 * (forward ? 1 : 2));
  if (forward) {
    add.move("logits in FP32", "other", logits * (kBf16 + kFp32));
    add.move("log-softmax", "other", logits * 2 * kFp32);
  } else {
    add.move("gradient of log-softmax", "other", logits * 2 * kFp32);
    add.move("gradient of logits in BF16", "other", logits * (kFp32 + kBf16));
  }
  add.small("mean over tokens", 2);
}

void mtp_forward(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden;
  add.norm("norm of hidden state", s.own, d);
  add.norm("norm of embedding", s.own, d);
  add.copy("both side by side", s.own * 2 * d);
  add.cast_with_scales("cast", s.own, 2 * d);
  add.gemm("eh_proj", s.own, d, 2 * d);
}

void mtp_backward(const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden;
  add.cast("cast of gradient", s.own, d);
  add.transpose_weight("weight", d, 2 * d);
  add.scales(s.own, d);
  add.gemm("eh_proj_dgrad", s.own, 2 * d, d);
  if (s.q.selective_recompute) {
    add.norm("norm of hidden state", s.own, d);
    add.norm("norm of embedding", s.own, d);
    add.copy("both side by side", s.own * 2 * d);
  }
  add.cast_transposed("input for its weight", s.own, 2 * d);
  add.cast_transposed("gradient for its weight", s.own, d);
  add.norm_backward("gradient of hidden state's norm", s.own, d);
  add.norm_backward("gradient of embedding's norm", s.own, d);
}

}  // namespace

void outside_layers(TrainPhase phase, const TrainSizes& s, PhaseBuilder& add) {
  const double d = s.m.hidden;
  switch (phase) {
    case TrainPhase::embedding_forward: return add.move("rows of the embedding", "permute", 2 * s.own * d * kBf16);
    // Each row read, and added to its gradient in FP32.
    case TrainPhase::embedding_backward: return add.move("gradient of the embedding", "permute", s.own * d * (kBf16 + 2 * kFp32));
    case TrainPhase::head_forward:
      add.norm("last norm", s.own, d);
      return add.plain_gemm("head", s.tokens, vocabulary(s), d);
    case TrainPhase::head_backward:
      add.plain_gemm("head_dgrad", s.tokens, d, vocabulary(s));
      return add.norm_backward("gradient of last norm", s.own, d);
    case TrainPhase::head_weight: return add.plain_wgrad("head_wgrad", vocabulary(s), d, s.tokens);
    case TrainPhase::loss_forward: return loss(s, add, true);
    case TrainPhase::loss_backward: return loss(s, add, false);
    case TrainPhase::mtp_projection_forward: return mtp_forward(s, add);
    case TrainPhase::mtp_projection_backward: return mtp_backward(s, add);
    case TrainPhase::mtp_projection_weight: return add.wgrad("eh_proj_wgrad", d, 2 * d, s.own);
    case TrainPhase::optimizer:
      // AdamW: FP32 parameter and BF16 moments read and written, FP32 gradient read, BF16 parameter written.
      return add.move("AdamW", "other", s.q.optimizer_parameters * (2 * kFp32 + 4 * kBf16 + kFp32 + kBf16));
    default: return;
  }
}

}  // namespace weft::models
