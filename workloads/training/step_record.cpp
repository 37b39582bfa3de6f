#include "workloads/training/step_record.h"

#include "workloads/training/step_plan.h"

namespace weft::workloads::training {

StepRecord::StepRecord(const StepPlan& plan) : ranks(plan.ranks.size()) {
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    std::uint32_t cells = 0;
    for (const PlanOp& op : plan.ranks[r].ops) cells += op.kind == PlanOp::Kind::cell_begin;
    ranks[r].cells.resize(cells);
    ranks[r].weighing.resize(cells);
  }
}

void StepRecord::clear() {
  for (Rank& r : ranks) {
    r.cells.assign(r.cells.size(), {});
    r.weighing.assign(r.cells.size(), 0);
    r.computing.clear();
    r.exchanging.clear();
    r.reducing.clear();
  }
}

void StepRecord::computed(std::uint32_t rank, const PlanOp& op, Span span) {
  ranks[rank].computing.push_back(span);
  if (op.weighs) ranks[rank].weighing[op.cell] += span.end - span.begin;
}

}  // namespace weft::workloads::training
