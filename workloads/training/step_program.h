// StepProgram: the pipeline of one training step as operations on GPUs and the network, emitted as they are needed.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "workloads/training/step_counters.h"
#include "workloads/training/step_emitter.h"
#include "workloads/training/step_record.h"

namespace weft::workloads::training {

/// An exchange begins when all ranks of its group have come to it, and one exchange of a group follows the other. This can be said in two
/// ways, which take the same time. Whole programs count what has ended (StepCounters): no operation is emitted before it may start, and there are
/// no markers. Where ranks are alike and one stands for others, only its own operations may be counted: then operations wait for one
/// another by markers, gathered first in the block and then along the rails.
class StepProgram final : public Program {
 public:
  /// `record` hears of the ranks that stand first in their stage; may be null.
  explicit StepProgram(std::shared_ptr<const StepJob> job, std::shared_ptr<StepRecord> record = nullptr);

  /// The same with the first rank of each group alone, which waits for no other of its group: some of this program's operations with some of
  /// their dependencies, so that nothing that bounds it from below is more than a bound of the whole.
  static std::unique_ptr<StepProgram> skeleton(std::shared_ptr<const StepJob> job);

  /// Throws UserError (place /micro_batches) when there are more operations than ids.
  static void require_ids(const StepPlan& plan);

  std::span<const CommKernel> kernels() const override { return emitter_.job().kernels; }
  void start(Sink& sink) override;
  void on_complete(OpId id, Seconds t, Sink& sink) override;
  std::shared_ptr<Symmetry> symmetry() override;
  std::vector<std::unique_ptr<Program>> parts() override;
  bool label(OpId id, OpLabel& out) const override;
  std::string track_name(std::uint32_t track) const override;

 private:
  void emit_first(std::uint32_t rank, Sink& sink);
  void emit_stretch(std::uint32_t rank, std::uint32_t stretch, Sink& sink);
  void emit(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink);
  void collect_after(std::uint32_t rank, const PlanOp& op);
  void add_after(std::uint32_t rank, const Dependency& d);
  void note(std::uint32_t rank, std::uint32_t local, const PlanOp& op, double t);

  std::shared_ptr<const StepJob> job_;
  std::shared_ptr<StepRecord> record_;
  StepEmitter emitter_;
  std::unique_ptr<StepCounters> counters_;   ///< when it runs whole
  std::uint32_t first_group_ = 0, last_group_;
  bool alone_ = false;                       ///< the skeleton
  std::vector<OpId> after_;
  std::unordered_map<std::uint32_t, double> begun_;   ///< exchanges under way of those that the record hears of, by the id of their `ready`
};

}  // namespace weft::workloads::training
