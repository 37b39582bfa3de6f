// Interleaved 1F1B: each rank holds several stages, PP apart, so that the pipeline fills and drains in smaller steps.
#include <algorithm>

#include <fmt/format.h>

#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

void check(const ScheduleParameters& p) {
  require_schedule(p.chunks >= 2, "chunks", fmt::format("expected at least 2 stages a rank, got {}", p.chunks), "with one stage a rank it is 1f1b");
  require_schedule(p.chunks <= 1'000'000, "chunks", fmt::format("{} stages a rank are more than any model has", p.chunks), "");
  require_sizes(p, p.chunks);
  require_schedule(p.micro_batches % p.ranks == 0, "micro_batches",
                   fmt::format("expected a multiple of the {} ranks, got {}", p.ranks, p.micro_batches),
                   "micro-batches go through the stages of a rank in groups of PP");
}

/// Groups of PP micro-batches go through one stage of the rank after the other; backwards take the stages from the last one on.
PipelineSchedule make(const ScheduleParameters& p) {
  check(p);
  PipelineSchedule s = one_direction("interleaved_1f1b", p, p.ranks * p.chunks, [&](std::uint32_t stage) { return stage % p.ranks; });
  const std::uint32_t total = p.micro_batches * p.chunks, group = p.ranks * p.chunks;
  for (std::uint32_t r = 0; r < p.ranks; ++r) {
    const auto micro_batch = [&](std::uint32_t k) { return k / group * p.ranks + k % p.ranks; };
    const auto chunk = [&](std::uint32_t k) { return k % group / p.ranks; };
    const auto forward = [&](std::uint32_t k) { return forward_cell(micro_batch(k), chunk(k) * p.ranks + r); };
    const auto backward = [&](std::uint32_t k) {
      return backward_cell(CellKind::backward, micro_batch(k), (p.chunks - 1 - chunk(k)) * p.ranks + r);
    };
    const std::uint32_t warm_up = std::min((p.ranks - 1 - r) * 2 + (p.chunks - 1) * p.ranks, total);
    for (std::uint32_t k = 0; k < warm_up; ++k) s.cells[r].push_back(forward(k));
    for (std::uint32_t k = 0; k < total; ++k) {
      if (warm_up + k < total) s.cells[r].push_back(forward(warm_up + k));
      s.cells[r].push_back(backward(k));
    }
  }
  return s;
}

/// (PP-1)(F+B)/v with F and B of all v stages of a rank: those of one stage drop the v.
Seconds bubble(const ScheduleParameters& p, const CellTimes& t) { return (p.ranks - 1.0) * (t.forward + t.full_backward()); }

}  // namespace

ScheduleKind interleaved_1f1b_schedule() {
  ScheduleKind k;
  k.name = "interleaved_1f1b";
  k.title = "Interleaved 1F1B";
  k.summary = "Rank r holds the v stages r, r + PP, r + 2 PP, ...: the bubble is that of v times smaller stages, for v times as many messages and more activations.";
  k.source = "arXiv:2104.04473, section 2.2; activations: arXiv:2205.05198, section 4.2.3";
  k.constraints = "micro-batches a multiple of PP; at least 2 stages a rank (chunks)";
  k.bubble_formula = "(PP-1)(F+B), of one of the v stages of a rank";
  k.activations_formula = "v PP + PP - 1";
  k.exact_region = "everywhere";
  k.takes_chunks = true;
  k.fifo = true;
  k.check = check;
  k.make = make;
  k.published_bubble = bubble;
  // 1 + (PP-1)/(PP v) times those of 1F1B, which are v PP stages: v PP + PP - 1.
  k.published_activations = [](const ScheduleParameters& p) { return std::min(p.chunks * p.ranks + p.ranks - 1, p.micro_batches * p.chunks); };
  k.exact_bubble = [](const ScheduleParameters& p, const CellTimes& t, std::uint32_t) { return std::optional(bubble(p, t)); };
  return k;
}

}  // namespace weft::workloads::training
