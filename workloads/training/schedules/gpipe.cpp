// GPipe: all forwards, then all backwards in the opposite order.
#include <algorithm>

#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

void check(const ScheduleParameters& p) { require_sizes(p, 1); }

PipelineSchedule make(const ScheduleParameters& p) {
  check(p);
  PipelineSchedule s = one_direction("gpipe", p, p.ranks, [](std::uint32_t stage) { return stage; });
  for (std::uint32_t r = 0; r < p.ranks; ++r) {
    for (std::uint32_t m = 0; m < p.micro_batches; ++m) s.cells[r].push_back(forward_cell(m, r));
    for (std::uint32_t m = p.micro_batches; m-- > 0;) s.cells[r].push_back(backward_cell(CellKind::backward, m, r));
  }
  return s;
}

Seconds bubble(const ScheduleParameters& p, const CellTimes& t) { return (p.ranks - 1.0) * (t.forward + t.full_backward()); }

}  // namespace

ScheduleKind gpipe_schedule() {
  ScheduleKind k;
  k.name = "gpipe";
  k.title = "GPipe";
  k.summary = "Every rank runs the forwards of all micro-batches, then their backwards, last one first. Simple, and holds the activations of all micro-batches.";
  k.source = "arXiv:1811.06965, Figure 2";
  k.constraints = "any";
  k.bubble_formula = "(PP-1)(F+B)";
  k.activations_formula = "M";
  k.exact_region = "everywhere";
  k.fifo = false;
  k.check = check;
  k.make = make;
  k.published_bubble = bubble;
  k.published_activations = [](const ScheduleParameters& p) { return p.micro_batches; };
  k.exact_bubble = [](const ScheduleParameters& p, const CellTimes& t, std::uint32_t) { return std::optional(bubble(p, t)); };
  return k;
}

}  // namespace weft::workloads::training
