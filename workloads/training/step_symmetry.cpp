#include "workloads/training/step_symmetry.h"

#include <numeric>

namespace weft::workloads::training {

namespace {
constexpr std::uint16_t no_block = 0xffff;
}

StepSymmetry::StepSymmetry(std::shared_ptr<const StepPlan> plan, EmitFirst emit_first)
    : plan_(std::move(plan)), emit_first_(std::move(emit_first)), grid_(plan_->grid) {
  for (const RankPlan& r : plan_->ranks) {
    auto& block = block_of_.emplace_back(r.ops.size(), no_block);
    for (std::size_t i = 0; i < r.ops.size(); ++i) {
      const PlanOp& op = r.ops[i];
      if (op.kind != PlanOp::Kind::transfers || op.exchange == ExchangeKind::tensor) continue;
      const bool goes_on = i > 0 && block[i - 1] != no_block && block[i - 1] + 1u < grid_.blocks();
      block[i] = goes_on ? static_cast<std::uint16_t>(block[i - 1] + 1) : 0;
    }
    const std::uint32_t first = r.stretches.size() > 2 ? r.stretches[2] : r.stretches.back();
    for (std::uint32_t i = 0; i < first; ++i) operations_ += r.ops[i].kind != PlanOp::Kind::transfers ? grid_.stage_size : 0;
  }
}

std::vector<Interchange> StepSymmetry::interchanges() const {
  // Numbers of a coordinate are blocks of all ranks that have it, in the order of the other coordinates.
  const auto by = [&](std::uint32_t count, auto coordinate, bool any_order) {
    Interchange i;
    i.any_order = any_order;
    i.blocks.resize(count);
    for (std::uint32_t r = 0; r < grid_.ranks(); ++r) i.blocks[coordinate(r)].push_back(r);
    return i;
  };
  std::vector<Interchange> all;
  const std::uint32_t nodes = grid_.group_size / grid_.per_node;   // of a group
  if (grid_.group_size % grid_.per_node == 0) {
    all.push_back(by(nodes, [&](std::uint32_t r) { return grid_.in_group(r) / grid_.per_node; }, true));
    all.push_back(by(grid_.groups(), [&](std::uint32_t r) { return grid_.group_of(r); }, true));
  } else {   // several groups in a node
    all.push_back(by(grid_.stage_size / grid_.per_node, [&](std::uint32_t r) { return grid_.in_stage(r) / grid_.per_node; }, true));
  }
  all.push_back(by(grid_.per_node, [&](std::uint32_t r) { return r % grid_.per_node; }, grid_.team_size == 1 && grid_.block_size == grid_.per_node));
  return all;
}

OpId StepSymmetry::image(OpId op, std::span<const std::uint32_t> image) const {
  const std::uint32_t rank = op.value % grid_.ranks(), local = op.value / grid_.ranks(), to = image[rank];
  const std::uint16_t block = block_of_[grid_.pipeline_rank(rank)][local];
  if (block == no_block) return OpId(local * grid_.ranks() + to);
  const std::uint32_t moved = grid_.block_of(image[grid_.group_base(rank) + block * grid_.block_size]);
  return OpId((local - block + moved) * grid_.ranks() + to);
}

}  // namespace weft::workloads::training
