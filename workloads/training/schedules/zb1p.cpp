// ZB1P (ZB-H1): 1F1B whose gradients of the weights wait, so that later ranks fill their bubble with them.
#include <algorithm>

#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

void check(const ScheduleParameters& p) { require_sizes(p, 1); }

/// Backward of the inputs i, then weights i - r once there are any, then the next forward: every rank holds PP activations until their weights.
PipelineSchedule make(const ScheduleParameters& p) {
  check(p);
  PipelineSchedule s = one_direction("zb1p", p, p.ranks, [](std::uint32_t stage) { return stage; });
  for (std::uint32_t r = 0; r < p.ranks; ++r) {
    std::vector<Cell>& cells = s.cells[r];
    std::uint32_t forwards = std::min(p.ranks - r, p.micro_batches);
    for (std::uint32_t m = 0; m < forwards; ++m) cells.push_back(forward_cell(m, r));
    for (std::uint32_t m = 0; m < p.micro_batches; ++m) {
      cells.push_back(backward_cell(CellKind::backward_input, m, r));
      if (m >= r) cells.push_back(backward_cell(CellKind::weight, m - r, r));
      if (forwards < p.micro_batches) cells.push_back(forward_cell(forwards++, r));
    }
    for (std::uint32_t m = p.micro_batches - std::min(r, p.micro_batches); m < p.micro_batches; ++m) {
      cells.push_back(backward_cell(CellKind::weight, m, r));
    }
  }
  return s;
}

/// (PP-1)(F+B-2W): F + b - w.
Seconds bubble(const ScheduleParameters& p, const CellTimes& t) {
  return (p.ranks - 1.0) * (t.forward + t.backward_input + t.weight - 2 * t.weight);
}

std::optional<Seconds> exact(const ScheduleParameters& p, const CellTimes& t, std::uint32_t) {
  if (t.forward < t.weight || t.backward_input < t.weight || p.micro_batches < p.ranks) return std::nullopt;
  return bubble(p, t);
}

}  // namespace

ScheduleKind zb1p_schedule() {
  ScheduleKind k;
  k.name = "zb1p";
  k.title = "ZB1P (ZB-H1)";
  k.summary = "Backward split in two: gradients of the inputs, which the rank before waits for, and of the weights, which fill the bubble. Activations as in 1F1B.";
  k.source = "arXiv:2412.19437, Table 2; arXiv:2401.10241 (ZB-H1)";
  k.constraints = "any; the bubble is as published from M = PP on";
  k.bubble_formula = "(PP-1)(F+B-2W)";
  k.activations_formula = "PP";
  k.exact_region = "w <= F, w <= b, M >= PP";
  k.check = check;
  k.make = make;
  k.published_bubble = bubble;
  k.published_activations = [](const ScheduleParameters& p) { return std::min(p.ranks, p.micro_batches); };
  k.exact_bubble = exact;
  return k;
}

}  // namespace weft::workloads::training
