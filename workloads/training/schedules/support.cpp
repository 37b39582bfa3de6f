#include "workloads/training/schedules/support.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::training {

void require_schedule(bool condition, const char* place, const std::string& message, const std::string& hint) {
  if (!condition) throw UserError(place, message, hint);
}

void require_sizes(const ScheduleParameters& p, std::uint32_t stages_a_rank) {
  require_schedule(p.ranks >= 1, "pp", "expected at least one pipeline rank, got 0", "");
  require_schedule(p.micro_batches >= 1, "micro_batches", "expected at least one micro-batch, got 0", "");
  constexpr double kMost = 5e6;
  const double cells = 3.0 * p.ranks * p.micro_batches * std::max(1u, stages_a_rank);
  require_schedule(cells <= kMost, "micro_batches",
                   fmt::format("{} micro-batches on {} ranks are up to {:.3g} cells, more than {:.0e}", p.micro_batches, p.ranks, cells, kMost),
                   "take fewer ranks or micro-batches");
}

PipelineSchedule one_direction(const std::string& name, const ScheduleParameters& p, std::uint32_t stages,
                               const std::function<std::uint32_t(std::uint32_t)>& rank_of) {
  PipelineSchedule s;
  s.name = name;
  s.ranks = p.ranks;
  s.stages = stages;
  s.micro_batches = p.micro_batches;
  s.cells.resize(p.ranks);
  s.rank_of.emplace_back();
  for (std::uint32_t stage = 0; stage < stages; ++stage) s.rank_of[0].push_back(rank_of(stage));
  return s;
}

Cell forward_cell(std::uint32_t micro_batch, std::uint32_t stage) { return {CellKind::forward, {0, micro_batch, stage}, {}}; }

Cell backward_cell(CellKind kind, std::uint32_t micro_batch, std::uint32_t stage) { return {kind, {}, {0, micro_batch, stage}}; }

bool same_time(Seconds a, Seconds b) { return std::abs(a.value() - b.value()) <= 1e-12 * std::max(std::abs(a.value()), std::abs(b.value())); }

}  // namespace weft::workloads::training
