// StepSymmetry: in a step with the mean of all loads, GPUs of a pipeline rank are alike: groups, blocks and places change places in all stages at once.
#pragma once

#include <functional>
#include <memory>

#include "workloads/symmetry.h"
#include "workloads/training/step_plan.h"

namespace weft::workloads::training {

/// Precondition: stages are whole nodes.
class StepSymmetry final : public Symmetry {
 public:
  /// Emits what the program does at the start of one rank.
  using EmitFirst = std::function<void(std::uint32_t rank, Sink& sink)>;
  /// `plan` has to live as long as this.
  StepSymmetry(std::shared_ptr<const StepPlan> plan, EmitFirst emit_first);

  Placement ranks() const override { return {grid_.ranks() / grid_.per_node, grid_.per_node}; }
  std::vector<Interchange> interchanges() const override;
  std::uint64_t operations() const override { return operations_; }
  void emit(std::uint32_t rank, Sink& sink) override { emit_first_(rank, sink); }
  std::uint32_t owner(OpId op) const override { return op.value % grid_.ranks(); }
  OpId image(OpId op, std::span<const std::uint32_t> image) const override;

 private:
  std::shared_ptr<const StepPlan> plan_;
  EmitFirst emit_first_;
  StepGrid grid_;
  std::uint64_t operations_ = 0;
  /// By pipeline rank and number of an operation: to which block a transfer goes; 0xffff: another operation.
  std::vector<std::vector<std::uint16_t>> block_of_;
};

}  // namespace weft::workloads::training
