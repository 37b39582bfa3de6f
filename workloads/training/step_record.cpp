#include "workloads/training/step_record.h"

#include "workloads/training/step_plan.h"

namespace weft::workloads::training {

StepRecord::StepRecord(const StepPlan& plan) : ranks(plan.ranks.size()) {
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    std::uint32_t cells = 0;
    for (const PlanOp& op : plan.ranks[r].ops) cells += op.kind == PlanOp::Kind::cell_begin;
    ranks[r].cells.resize(cells);
  }
}

void StepRecord::clear() {
  for (Rank& r : ranks) {
    r.cells.assign(r.cells.size(), {});
    r.computing.clear();
    r.exchanging.clear();
  }
}

}  // namespace weft::workloads::training
