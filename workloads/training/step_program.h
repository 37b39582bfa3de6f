// StepProgram: the pipeline of one training step as operations on GPUs and the network, emitted as they are needed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workloads/program.h"
#include "workloads/rails.h"
#include "workloads/training/step_costs.h"
#include "workloads/training/step_loads.h"
#include "workloads/training/step_plan.h"
#include "workloads/training/step_record.h"

namespace weft::workloads::training {

/// All that a step's program is made from; shared by its parts, never changed.
struct StepJob {
  StepPlan plan;
  StepCosts costs;
  std::unique_ptr<StepLoads> loads;        ///< null without exchanges
  std::shared_ptr<const Rails> rails;      ///< null where groups lie inside nodes
  std::vector<CommKernel> kernels;         ///< 0: expert exchanges, 1: between pipeline ranks, 2: tensor parallel
  Seconds exchange_start_up, send_start_up, team_start_up;
  LatencyMode exchange_latency = LatencyMode::wire;
  Bytes dispatched, combined;              ///< of one token's copy
  Bytes sent;                              ///< of activations (or their gradients) from stage to stage
  Bytes reduced;                           ///< each GPU of a team sends this to its neighbour
  std::uint32_t communication_sms = 0;     ///< for reports
  std::uint32_t sms = 0;
  double jitter = 0;                       ///< sigma of the logarithm of each stretch of computing
  std::uint64_t seed = 0;
};

/// Operation `local` of rank r has the id local * ranks + r. GPUs of a group keep together by an exchange's arrival: a GPU's exchange begins
/// when all ranks of its group have come to it (arrive: the block's, ready: the rails').
class StepProgram final : public Program {
 public:
  /// `record` hears of the ranks that stand first in their stage; may be null.
  explicit StepProgram(std::shared_ptr<const StepJob> job, std::shared_ptr<StepRecord> record = nullptr);

  /// The same with the first rank of each group alone, which waits for no other of its group: some of this program's operations with some of
  /// their dependencies, so that nothing that bounds it from below is more than a bound of the whole.
  static std::unique_ptr<StepProgram> skeleton(std::shared_ptr<const StepJob> job);

  /// Throws UserError (place /micro_batches) when there are more operations than ids.
  static void require_ids(const StepPlan& plan);

  std::span<const CommKernel> kernels() const override { return job_->kernels; }
  void start(Sink& sink) override;
  void on_complete(OpId id, Seconds t, Sink& sink) override;
  std::shared_ptr<Symmetry> symmetry() override;
  std::vector<std::unique_ptr<Program>> parts() override;

 private:
  std::uint32_t local_of(OpId id) const { return id.value / ranks_; }
  std::uint32_t rank_of(OpId id) const { return id.value % ranks_; }
  OpId id_of(std::uint32_t local, std::uint32_t rank) const { return OpId(local * ranks_ + rank); }
  void emit_first(std::uint32_t rank, Sink& sink);
  void emit_stretch(std::uint32_t rank, std::uint32_t stretch, Sink& sink);
  void emit(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink);
  void collect_after(std::uint32_t rank, const RankPlan& plan, const PlanOp& op);
  void emit_transfers(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink);
  void emit_exchange(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink);
  void emit_to_block(std::uint32_t rank, std::uint32_t block, const PlanOp& op, Transfer& t);
  void emit_in_team(std::uint32_t rank, std::uint32_t local, Sink& sink);
  void emit_send(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink);
  Seconds duration(std::uint32_t rank, std::uint32_t local, const PlanOp& op) const;

  std::shared_ptr<const StepJob> job_;
  std::shared_ptr<StepRecord> record_;
  std::uint32_t ranks_;
  std::uint32_t first_group_ = 0, last_group_;
  bool alone_ = false;               ///< the skeleton
  std::vector<OpId> after_;
  std::vector<Leg> legs_;
  std::vector<double> copies_;
};

}  // namespace weft::workloads::training
