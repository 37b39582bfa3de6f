// A recording with given durations as a Program: computes on streams, launches and lags as markers; start times come from the engine.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/replay/dependencies.h"
#include "workloads/static_program.h"

namespace weft::workloads::replay {

struct ReplayProgram {
  StaticProgram program;
  std::vector<OpId> first, last;  ///< by operation: of its first and last part (an operation with a tail that others use is several)
};

/// `durations_us` has one entry an operation, none negative.
ReplayProgram program_of(const Recording& recording, const Dependencies& dependencies, const std::vector<double>& durations_us);

/// Operations that shared the SMs with another computing stream while they were recorded take turns instead, in the order of their start:
/// for durations that are theirs alone.
void take_turns(const Recording& recording, Dependencies& dependencies);

/// When each operation began and ended; seconds from the first launch.
struct Times {
  std::vector<double> start_s, finish_s;
};
Times recorded_times(const Recording& recording);

/// What a replay is judged by.
struct Overlap {
  double span_s = 0;                            ///< first start to last end of any operation
  double communication_s = 0, computing_s = 0;  ///< time in which at least one operation of the kind runs
  double hidden_s = 0;                          ///< in which both do
  /// Part of the communication that computing hides; 100 when there is none.
  double hidden_pct() const { return communication_s > 0 ? 100 * hidden_s / communication_s : 100; }
};
Overlap overlap_of(const Recording& recording, const Times& times);

/// First start to last end of each phase.
std::vector<double> phase_times(const Recording& recording, const Times& times);

}  // namespace weft::workloads::replay
