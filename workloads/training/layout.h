// A Layout: how a model's training is spread over GPUs (pipeline, expert, data, tensor parallelism, ZeRO) and what each GPU keeps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/activation_storage.h"
#include "models/llm/llm.h"
#include "sim/core/units.h"
#include "workloads/training/stages.h"

namespace weft::workloads::training {

/// What is computed again in the backward pass instead of being kept.
enum class Recompute {
  none,
  selective,   ///< RMSNorms, up-projections of latent attention, outputs of SwiGLU (arXiv:2412.19437 sections 3.2.3 and 3.3.3)
  full,        ///< whole layers from their input (Korthikanti et al., arXiv:2205.05198)
};
std::string to_text(Recompute r);

enum class Format { none, fp8, bf16, fp32 };
std::string to_text(Format f);
/// Bytes of an element; FP8 without its scales.
double bytes_of(Format f);

struct Layout {
  std::uint32_t pp = 1, ep = 1, tp = 1;
  std::uint32_t dp = 0;             ///< data-parallel ranks of a pipeline stage, tp GPUs each; 0: not known yet
  bool sequence_parallel = false;   ///< norms and residuals are spread over the tp GPUs too
  std::uint32_t zero = 1;           ///< ZeRO stage: 0 nothing spread over copies, 1 optimiser, 2 and gradients, 3 and weights
  std::uint32_t sequence = 4096;    ///< tokens
  std::uint32_t sequences_per_micro_batch = 1;
  std::uint32_t micro_batches = 0;  ///< per data-parallel rank and step; 0: not known yet
  std::uint32_t global_batch = 0;   ///< sequences a step; 0: not known yet
  Recompute recompute = Recompute::selective;
  models::ActivationStorage storage;
  Format weights = Format::bf16, gradients = Format::fp32;
  Format master = Format::fp32;     ///< the optimiser's own copy of the weights; none: it works on the weights
  Format moments = Format::fp32;    ///< each of the two of AdamW
  bool shard_over_mirrors = true;   ///< DualPipe: ZeRO spreads over the copies on the mirrored pipeline rank too, else over dp alone
  std::vector<StageContent> stages;
  StagesOfRank stages_of_rank;

  std::uint32_t gpus_per_stage() const { return dp * tp; }   ///< of one pipeline rank
  std::uint32_t gpus() const { return pp * dp * tp; }
  std::uint32_t ep_groups() const { return dp * tp / ep; }   ///< of one pipeline rank
  double tokens_per_micro_batch() const { return static_cast<double>(sequence) * sequences_per_micro_batch; }
  double tokens_per_step() const { return static_cast<double>(sequence) * global_batch; }
  /// Pipeline ranks that hold each stage: 2 in DualPipe.
  std::uint32_t mirrors() const { return holders(stages_of_rank); }
};

/// Where problems go: key ("ep"), message, hint.
using TellProblem = std::function<void(const std::string& key, const std::string& message, const std::string& hint)>;

/// Problems of a layout with its model, as far as they show without knowing the number of GPUs.
void check_layout(const Layout& l, const models::Llm& m, const TellProblem& tell);

/// Fills in what follows from the number of GPUs (dp where it was left out; micro-batches from the global batch or the other way
/// round) and checks what depends on it. `gpus` 0: as many as pp x dp x tp, and dp is due. What cannot be known stays 0.
void complete(Layout& l, const models::Llm& m, std::uint32_t gpus, const TellProblem& tell);
/// The same for a workload that meets its cluster: throws UserError (places "/ep", ...).
Layout completed(Layout l, const models::Llm& m, std::uint32_t gpus);

/// Where a GPU stands. GPUs are numbered by pipeline rank, then data-parallel rank, then tensor-parallel rank, so a pipeline rank has
/// whole nodes in a row, and so has an EP group: `ep` GPUs in a row of one pipeline rank.
struct Coordinate {
  std::uint32_t pp = 0, dp = 0, tp = 0;
  std::uint32_t ep_group = 0, ep = 0;   ///< which EP group of the pipeline rank, and which member of it
  bool operator==(const Coordinate&) const = default;
};
Coordinate coordinate_of(const Layout& l, std::uint32_t gpu);
std::uint32_t gpu_at(const Layout& l, std::uint32_t pp, std::uint32_t dp, std::uint32_t tp = 0);
/// The first GPU of an EP group, which has `ep` GPUs in a row.
std::uint32_t first_of_ep_group(const Layout& l, std::uint32_t pp, std::uint32_t group);

}  // namespace weft::workloads::training
