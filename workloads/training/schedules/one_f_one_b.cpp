// 1F1B: as many forwards as there are ranks ahead, then one forward, one backward in turn.
#include <algorithm>

#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

void check(const ScheduleParameters& p) { require_sizes(p, 1); }

PipelineSchedule make(const ScheduleParameters& p) {
  check(p);
  PipelineSchedule s = one_direction("1f1b", p, p.ranks, [](std::uint32_t stage) { return stage; });
  for (std::uint32_t r = 0; r < p.ranks; ++r) {
    const std::uint32_t warm_up = std::min(p.ranks - 1 - r, p.micro_batches);
    std::vector<Cell>& cells = s.cells[r];
    for (std::uint32_t m = 0; m < warm_up; ++m) cells.push_back(forward_cell(m, r));
    for (std::uint32_t m = 0; m < p.micro_batches; ++m) {
      if (warm_up + m < p.micro_batches) cells.push_back(forward_cell(warm_up + m, r));
      cells.push_back(backward_cell(CellKind::backward, m, r));
    }
  }
  return s;
}

Seconds bubble(const ScheduleParameters& p, const CellTimes& t) { return (p.ranks - 1.0) * (t.forward + t.full_backward()); }

}  // namespace

ScheduleKind one_f_one_b_schedule() {
  ScheduleKind k;
  k.name = "1f1b";
  k.title = "1F1B";
  k.summary = "One forward, one backward in turn once the pipeline is full: the bubble of GPipe, but never more activations than ranks.";
  k.source = "arXiv:2412.19437, Table 2; arXiv:1806.03377";
  k.constraints = "any";
  k.bubble_formula = "(PP-1)(F+B)";
  k.activations_formula = "PP";
  k.exact_region = "everywhere";
  k.check = check;
  k.make = make;
  k.published_bubble = bubble;
  k.published_activations = [](const ScheduleParameters& p) { return std::min(p.ranks, p.micro_batches); };
  k.exact_bubble = [](const ScheduleParameters& p, const CellTimes& t, std::uint32_t) { return std::optional(bubble(p, t)); };
  return k;
}

}  // namespace weft::workloads::training
