// DualPipe: micro-batches enter at both ends, and forwards of one direction hide behind backwards of the other.
#include <algorithm>

#include <fmt/format.h>

#include "workloads/training/schedules/dual_order.h"
#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

std::uint32_t depth_of(const ScheduleParameters& p, std::uint32_t rank) { return std::min(rank, p.ranks - 1 - rank); }

void check(const ScheduleParameters& p) {
  require_sizes(p, 1);
  require_schedule(p.ranks % 2 == 0, "pp", fmt::format("expected an even number of ranks, got {}", p.ranks), "ranks r and PP-1-r hold the same two stages");
  require_schedule(p.micro_batches % 2 == 0, "micro_batches", fmt::format("expected an even number of micro-batches, got {}", p.micro_batches),
                   "half of them enter at either end");
  require_schedule(p.micro_batches >= 2 * p.ranks, "micro_batches",
                   fmt::format("expected at least 2 PP = {} micro-batches, got {}", 2 * p.ranks, p.micro_batches), "take more micro-batches or fewer ranks");
}

PipelineSchedule make(const ScheduleParameters& p) {
  check(p);
  PipelineSchedule s = one_direction("dualpipe", p, p.ranks, [](std::uint32_t stage) { return stage; });
  s.directions = 2;
  s.rank_of.emplace_back(s.rank_of[0].rbegin(), s.rank_of[0].rend());
  for (std::uint32_t r = 0; r < p.ranks; ++r) {
    const Pass from_first{0, 0, r}, from_last{1, 0, p.ranks - 1 - r};
    const bool first_half = r < p.ranks / 2;   // phase 0 is the direction whose entry is nearer
    s.cells[r] = dual_order({p.ranks / 2, depth_of(p, r), p.micro_batches / 2,
                             {first_half ? from_first : from_last, first_half ? from_last : from_first}});
  }
  return s;
}

}  // namespace

ScheduleKind dualpipe_schedule() {
  ScheduleKind k;
  k.name = "dualpipe";
  k.title = "DualPipe";
  k.summary = "Half of the micro-batches enter at rank 0, half at the last rank; each rank holds one stage of either direction and runs forwards of one "
              "beside backwards of the other, so that their communication hides behind each other's computation. DeepSeek-V3 was trained so.";
  k.source = "arXiv:2412.19437, Table 2 and Figure 5; deepseek-ai/DualPipe README.md and dualpipe/dualpipe.py";
  k.constraints = "PP even, micro-batches even and at least 2 PP";
  k.bubble_formula = "(PP/2-1)(FB+B-3W)";
  k.activations_formula = "PP+1";
  k.exact_region = "w <= F <= b, b+w <= FB <= F+b+w";
  k.overlaps = true;
  k.check = check;
  k.make = make;
  k.published_bubble = [](const ScheduleParameters& p, const CellTimes& t) { return dual_published_bubble(p.ranks / 2, t); };
  k.published_activations = [](const ScheduleParameters& p) { return p.ranks + 1; };
  k.exact_bubble = [](const ScheduleParameters& p, const CellTimes& t, std::uint32_t rank) { return dual_exact_bubble(p.ranks / 2, depth_of(p, rank), t); };
  return k;
}

}  // namespace weft::workloads::training
