// StepEmitter: puts the operations of a step's plan, one GPU's, into a Sink.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workloads/program.h"
#include "workloads/rails.h"
#include "workloads/training/step_costs.h"
#include "workloads/training/step_loads.h"
#include "workloads/training/step_plan.h"

namespace weft::workloads::training {

/// All that a step's program is made from; shared by its parts, never changed.
struct StepJob {
  StepPlan plan;
  StepCosts costs;
  std::unique_ptr<StepLoads> loads;        ///< null without exchanges
  std::shared_ptr<const Rails> rails;      ///< null on one node
  std::vector<CommKernel> kernels;         ///< 0: expert exchanges, 1: between pipeline ranks, 2: tensor parallel; then exchanges that code what they send
  KernelId dispatch_kernel{0}, combine_kernel{0};
  bool communicates = true;                ///< false: transfers are of nothing and take no time
  Seconds exchange_start_up, send_start_up, team_start_up;
  Seconds dispatch_lead, gradient_lead;    ///< before a forward dispatch, and before gradients are dispatched
  Bytes dispatched, combined;              ///< of one token's copy
  Bytes sent;                              ///< of activations (or their gradients) from stage to stage
  Bytes reduced;                           ///< each GPU of a team sends this to its neighbour
  std::uint32_t sms = 0, communication_sms = 0;   ///< of a GPU, and of them those of exchanges; for reports
  double jitter = 0;                       ///< sigma of the logarithm of each stretch of computing; its mean stays
  std::uint64_t seed = 0;
};

/// Appends the legs from one GPU to its namesake on another node (or to any GPU of its own): by its NIC, or where `rails` says that it is lost, by others.
void append_way(const StepGrid& grid, const Rails* rails, std::uint32_t from, std::uint32_t to, std::vector<Leg>& legs);

/// Operation `local` of rank r has the id local * ranks + r.
class StepEmitter {
 public:
  explicit StepEmitter(std::shared_ptr<const StepJob> job);

  const StepJob& job() const { return *job_; }
  const StepGrid& grid() const { return job_->plan.grid; }
  const RankPlan& plan_of(std::uint32_t rank) const { return job_->plan.ranks[grid().pipeline_rank(rank)]; }
  std::uint32_t local_of(OpId id) const { return id.value / ranks_; }
  std::uint32_t rank_of(OpId id) const { return id.value % ranks_; }
  OpId id_of(std::uint32_t local, std::uint32_t rank) const { return OpId(local * ranks_ + rank); }

  Seconds duration(std::uint32_t rank, std::uint32_t local, const PlanOp& op) const;
  void compute(std::uint32_t rank, std::uint32_t local, const PlanOp& op, std::span<const OpId> after, Sink& sink) const;
  /// To another pipeline rank.
  void send(std::uint32_t rank, std::uint32_t local, const PlanOp& op, std::span<const OpId> after, Sink& sink);
  /// The transfers of one GPU in an exchange, to (or from) all blocks of its group or to its neighbour in the team; `local` is the first's.
  void exchange(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink);

 private:
  void to_block(std::uint32_t rank, std::uint32_t block, const PlanOp& op, Transfer& t);
  void fan_out(std::uint32_t base, std::uint32_t via, double share, double messages);
  /// To one other GPU; bytes, kernel and start-up are set.
  void to_one(std::uint32_t rank, std::uint32_t to, std::uint32_t local, Transfer& t, std::span<const OpId> after, Sink& sink);
  void in_team(std::uint32_t rank, std::uint32_t local, Sink& sink);
  LatencyMode latency_mode() const { return job_->communicates ? LatencyMode::wire : LatencyMode::none; }

  std::shared_ptr<const StepJob> job_;
  std::uint32_t ranks_;
  std::vector<Leg> legs_;
  std::vector<double> copies_;
};

}  // namespace weft::workloads::training
