// What the kinds of schedules share: checks of their parameters, and putting cells one after the other.
#pragma once

#include <string>

#include "workloads/training/schedule.h"

namespace weft::workloads::training {

/// Throws UserError unless both are at least 1 and the schedule stays within 5 million cells. `stages_a_rank` is counted in.
void require_sizes(const ScheduleParameters& p, std::uint32_t stages_a_rank);
/// Throws UserError at `place` unless the condition holds.
void require_schedule(bool condition, const char* place, const std::string& message, const std::string& hint);

/// An empty schedule of one direction whose stage s lies on rank_of(s).
PipelineSchedule one_direction(const std::string& name, const ScheduleParameters& p, std::uint32_t stages,
                               const std::function<std::uint32_t(std::uint32_t stage)>& rank_of);

// Cells of direction 0.
Cell forward_cell(std::uint32_t micro_batch, std::uint32_t stage);
Cell backward_cell(CellKind kind, std::uint32_t micro_batch, std::uint32_t stage);

/// Whether two times are equal but for rounding.
bool same_time(Seconds a, Seconds b);

}  // namespace weft::workloads::training
