// DualPipeV: DualPipe cut in half; one direction that goes down the ranks and back up, so no stage is held twice.
#include <algorithm>

#include <fmt/format.h>

#include "workloads/training/schedules/dual_order.h"
#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

void check(const ScheduleParameters& p) {
  require_sizes(p, 2);
  require_schedule(p.micro_batches >= 2 * p.ranks, "micro_batches",
                   fmt::format("expected at least 2 PP = {} micro-batches, got {}", 2 * p.ranks, p.micro_batches), "take more micro-batches or fewer ranks");
}

PipelineSchedule make(const ScheduleParameters& p) {
  check(p);
  PipelineSchedule s = one_direction("dualpipev", p, 2 * p.ranks, [&](std::uint32_t stage) { return stage < p.ranks ? stage : 2 * p.ranks - 1 - stage; });
  for (std::uint32_t r = 0; r < p.ranks; ++r) {
    s.cells[r] = dual_order({p.ranks, r, p.micro_batches, {Pass{0, 0, r}, Pass{0, 0, 2 * p.ranks - 1 - r}}});
  }
  return s;
}

}  // namespace

ScheduleKind dualpipev_schedule() {
  ScheduleKind k;
  k.name = "dualpipev";
  k.title = "DualPipeV";
  k.summary = "Every rank holds a stage on the way down and one on the way back and treats the two legs as DualPipe does its directions: "
              "the same order of cells on half the ranks, without a second copy of the model.";
  k.source = "deepseek-ai/DualPipe README.md and dualpipe/dualpipev.py";
  k.constraints = "micro-batches at least 2 PP, PP counting ranks";
  k.bubble_formula = "(PP-1)(FB+B-3W), PP counting ranks";
  k.activations_formula = "2 PP + 1 (of half the size)";
  k.exact_region = "w <= F <= b, b+w <= FB <= F+b+w";
  k.overlaps = true;
  k.check = check;
  k.make = make;
  k.published_bubble = [](const ScheduleParameters& p, const CellTimes& t) { return dual_published_bubble(p.ranks, t); };
  k.published_activations = [](const ScheduleParameters& p) { return 2 * p.ranks + 1; };
  k.exact_bubble = [](const ScheduleParameters& p, const CellTimes& t, std::uint32_t rank) { return dual_exact_bubble(p.ranks, rank, t); };
  return k;
}

}  // namespace weft::workloads::training
