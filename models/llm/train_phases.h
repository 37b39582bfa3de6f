// The phases of a training step on one GPU: the kernels between two exchanges, in order, and how long they take together.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/cost_model.h"
#include "models/kernels/kernel.h"
#include "models/llm/llm.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::models {

/// What one GPU does in training between two exchanges, or alone. Of a layer (dense or MoE): forward, input gradients, weight gradients.
/// attention_forward of an MoE layer ends with the router, so that the dispatch can follow; attention_backward begins with its gradient.
enum class TrainPhase {
  attention_forward, mlp_forward, mlp_backward, mlp_weight, attention_backward, attention_weight,
  embedding_forward, embedding_backward,
  head_forward, head_backward, head_weight,   ///< with the last norm; the logits stay in BF16
  loss_forward, loss_backward,                ///< cross-entropy over the logits
  mtp_projection_forward, mtp_projection_backward, mtp_projection_weight,   ///< of an MTP module beside its layer, embedding and head
  optimizer                                   ///< AdamW over the parameters that this GPU keeps (TrainShape::optimizer_parameters)
};

/// "attention_forward"; the names are those of the enumerators.
std::string to_text(TrainPhase p);
const std::vector<TrainPhase>& train_phases();
/// The six of a layer, in the order in which an overlapped pair of micro-batches runs them.
const std::vector<TrainPhase>& layer_phases();

/// What one GPU works on. With tensor parallelism a group of `tp` GPUs shares heads, inner widths and vocabulary; norms, router and routed
/// rows are spread over its tokens (sequence parallel); latent down-projections are done by each.
struct TrainShape {
  double tokens = 4096;      ///< of a micro-batch, per GPU (with tp: per group)
  double sequence = 4096;    ///< tokens of a sequence
  double ep = 64;            ///< GPUs that share the routed experts of a layer
  double tp = 1;
  bool sequence_parallel = true;   ///< with tp: norms, residuals and the router work on a part of the tokens; else on all of them
  double routed_rows = 0;    ///< rows of the experts of this GPU, with padding; 0: balanced, tokens / tp x topk
  double received = 0;       ///< tokens that this GPU receives (each once, however many of its experts it goes to); 0: routed_rows by received_share()
  bool selective_recompute = true;   ///< arXiv:2412.19437 3.2.3: norms, up-projections and SwiGLU anew in backward; kept activations compressed
  bool fp8 = true;           ///< products of layers in FP8 with block scales, with their casts and transposes; else BF16
  bool moe = true;           ///< an MoE layer; else a dense one
  bool fused_loss = false;   ///< the loss reads the logits and writes their gradient, without FP32 copies in between
  double optimizer_parameters = 0;   ///< of phase optimizer
};

/// One kernel, or `count` alike, one after the other.
struct PhaseKernel {
  std::string name;          ///< "q_b", "cast of q latent"
  KernelCall call;           ///< SMs left open
  double count = 1;
  std::uint32_t stream = 0;  ///< streams of a phase run side by side
  Flops flops{};             ///< of all `count`: of products and attention, as ops_of() counts them
  double scores = 0;         ///< of one: scores that it selects from, at TrainConstants::per_score
  double indices = 0;        ///< of one: index entries that few threads walk through, at TrainConstants::per_index
};

/// Tokens received per routed row when every token takes `topk` experts at random within the groups it is limited to: a token that goes to two
/// experts of a GPU comes once. (DeepSeek-V3's gate spreads a little more: 0.936 instead of 0.920 over 64 GPUs.)
double received_share(const Llm& m, double ep);

/// The kernels of a phase in the order in which they start. Bytes are what a kernel has to read and write. Throws UserError (places --tokens,
/// --ep, --tp, --phase) for what does not divide or what the model lacks.
std::vector<PhaseKernel> kernels_of(const Llm& m, TrainPhase phase, const TrainShape& shape);

/// What no kernel family says: pauses between kernels, the least that a kernel takes, and kernels bound by neither bytes nor operations.
struct TrainConstants {
  std::string name;                    ///< of the file in models/data/training
  Sourced<Seconds> gap;                ///< on a stream, from the end of a kernel to the start of the next
  Sourced<Seconds> least;              ///< of a kernel that has next to nothing to do
  Sourced<Seconds> per_score;          ///< of selecting the top k
  Sourced<Seconds> per_index;          ///< of walking through routing indices
  Sourced<Seconds> pause;              ///< on the compute stream, between two phases that run beside communication
  Sourced<Seconds> dispatch_layout;    ///< before a forward dispatch: counting who gets what
  Sourced<Seconds> gradient_cast;      ///< before gradients are dispatched, on the communication stream
  Sourced<double> launch_spread;       ///< sigma of the logarithm of gap, least and pause where they are carried to another program; for --uncertainty
  Sourced<double> exchange_spread;     ///< the same of what communication kernels reach
  Sourced<double> bf16_efficiency;     ///< of large BF16 products, part of the peak; for those far larger than what a calibration measured
};

/// By name, path or inline object, as read_communication_model().
TrainConstants read_train_constants(JsonReader where, const DataPlaces& data);
/// Throws UserError (place `place`).
TrainConstants train_constants_named(const std::string& name, const DataPlaces& data, const std::string& place);
std::vector<ConstantUsed> constants_of(const TrainConstants& c);

/// How long a phase takes, and where the time goes. The parts add up to `total`.
struct PhaseTime {
  Seconds total{};
  Seconds gemm{}, attention{};         ///< matrix products; the attention kernels themselves
  Seconds other{};                     ///< everything else that computes or moves
  Seconds gaps{};                      ///< between kernels of the first stream
  Seconds roofline_only{};             ///< of the above: kernels for which there was no calibration
  Seconds memory{};                    ///< of the above: kernels that memory limits, by their rooflines
  Flops flops{};
  double kernels = 0;
  /// The part of `total` in kernels that memory limits; gaps are in no kernel.
  double hbm_share() const { return total.value() > 0 ? memory / total : 0; }
};

/// One of `kernel.count`, without the gap after it. `sms` 0: all of the GPU.
KernelTime kernel_time(const CostModel& model, const PhaseKernel& kernel, double sms, const TrainConstants& constants);

/// On `sms` SMs (0: all): the kernels one after the other with their gaps. Kernels on further streams share the SMs: they add their time
/// as if alone (each product fills the GPU), but no gaps. With cost model `roofline` there are no constants either: a lower bound.
PhaseTime phase_time(const CostModel& model, std::span<const PhaseKernel> kernels, double sms, const TrainConstants& constants);

}  // namespace weft::models
