// replay(): plays a recording on an engine with the durations of a what-if, and holds it against what was recorded.
#pragma once

#include <string>
#include <vector>

#include "scenarios/replay/what_if.h"
#include "workloads/replay/replay_program.h"

namespace weft::scenarios::replay {

struct PhaseTimes {
  std::string name;
  std::int64_t layer = 0;
  double recorded_s = 0, replayed_s = 0;  ///< first start to last end
};

struct Replay {
  workloads::replay::Overlap recorded, replayed;
  std::vector<PhaseTimes> phases;
  workloads::replay::Times times;  ///< by operation, from the first launch on
  Durations durations;
  std::vector<std::string> notes;  ///< of the recording, its dependencies and the what-if
};

/// Runs on `run.engine`. Throws UserError as durations_of() does.
Replay replay(const workloads::replay::Recording& recording, const workloads::replay::Dependencies& dependencies, const WhatIf& what,
              const Networks& networks, const KernelModels& kernels, const DataPlaces& data, const RunOptions& run);

}  // namespace weft::scenarios::replay
