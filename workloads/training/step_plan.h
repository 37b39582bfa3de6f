// A StepPlan: what each GPU of a pipeline rank does in a training step, one operation after the other, and what each waits for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workloads/training/stages.h"
#include "workloads/training/schedule.h"
#include "workloads/training/step_grid.h"

namespace weft::workloads::training {

/// One stretch of computing.
enum class Work : std::uint8_t {
  attention_forward, attention_backward, attention_weight,
  dense_forward, dense_backward, dense_weight,
  moe_forward, moe_backward, moe_weight,
  embedding_forward, embedding_backward,
  projection_forward, projection_backward, projection_weight,   ///< of an MTP module
  head_forward, head_backward, head_weight,                     ///< with the loss
  count
};

/// "attn(F)", "mlp(B)", ...: the names that DeepSeek's profile gives them.
const char* to_text(Work work);

/// One exchange between GPUs. Combine in the backward pass is a dispatch of gradients, dispatch a combine of gradients.
enum class ExchangeKind : std::uint8_t { dispatch_forward, combine_forward, combine_backward, dispatch_backward, tensor };

const char* to_text(ExchangeKind kind);
/// Tokens go from their ranks to experts (else back to them).
inline bool goes_out(ExchangeKind k) { return k == ExchangeKind::dispatch_forward || k == ExchangeKind::combine_backward; }

/// Whose operation another one waits for.
enum class Scope : std::uint8_t {
  own,           ///< of the same GPU
  block,         ///< of all GPUs of the block
  team,          ///< of all GPUs of the tensor-parallel team
  rail,          ///< of the GPUs with the same place in all blocks of the group
  rail_to_block, ///< the same, transfers to the GPU's own block
  own_transfers, ///< the same GPU's transfers of one exchange, `local` the first
  pipeline,      ///< of the GPU with the same place in another pipeline rank
};

struct Dependency {
  Scope scope = Scope::own;
  std::uint32_t local = 0;     ///< number in the plan of the GPU whose operation it is
  std::uint32_t pipeline = 0;  ///< of Scope::pipeline
};

/// One operation of every GPU of a pipeline rank; transfers to all blocks of the group take as many numbers.
struct PlanOp {
  enum class Kind : std::uint8_t { cell_begin, cell_end, compute, arrive, ready, transfers, received, send };
  Kind kind = Kind::compute;
  Work work = Work::attention_forward;                       ///< of compute
  ExchangeKind exchange = ExchangeKind::dispatch_forward;    ///< of arrive, ready, transfers, received
  bool beside = false;                  ///< of compute: communication kernels have their SMs
  bool weighs = false;                  ///< of compute: counts as a weight gradient
  std::uint32_t first = 0, count = 0;   ///< its dependencies
  std::uint32_t cell = 0;               ///< of the schedule
  std::uint32_t routing = 0;            ///< of what depends on routing: number of (direction, micro-batch, MoE layer)
  std::uint32_t peer = 0;               ///< of send: the pipeline rank that it goes to
  std::uint32_t emits = none;           ///< when it has ended: the stretch of operations to emit
  static constexpr std::uint32_t none = ~std::uint32_t{0};
};

/// The operations of one pipeline rank. They are emitted in stretches [stretch[i], stretch[i + 1]).
struct RankPlan {
  std::vector<PlanOp> ops;              ///< by number; the numbers of a transfers' further blocks hold copies of it
  std::vector<Dependency> dependencies;
  std::vector<std::uint32_t> stretches; ///< beginnings, and the end
};

struct StepPlan {
  StepGrid grid;
  std::vector<RankPlan> ranks;          ///< by pipeline rank
  std::uint32_t most_ops = 0;           ///< of any rank
  std::uint32_t moe_layers = 0;         ///< routings are numbered (direction * micro-batches per direction + micro-batch) * moe_layers + layer
};

/// Every overlapped cell interleaves a forward and a backward micro-batch layer by layer in the order of DeepSeek's profile:
///   compute: attn(F) mlp(B) mlp(W) mlp(F) attn(B) attn(W);  communication: combine(B) dispatch(F) dispatch(B) combine(F).
/// A cell with one half alone keeps that half's order. A rank's cell begins when the one before has ended, what that one sends to other ranks
/// has arrived, and what its own passes need is there. `expert_parallel`: MoE layers exchange tokens.
/// `late_head_weight`: the head's weight gradient is taken where those of layers are; else with its backward pass, since its input, the gradients
/// of all logits, is large to keep.
StepPlan plan_step(const PipelineSchedule& schedule, std::span<const StageContent> stages, const StepGrid& grid, bool expert_parallel, bool late_head_weight = false);

}  // namespace weft::workloads::training
