// The runner: measures a plan's kernels one by one: verify, warm up, sample until the median is stable, write the line.
#pragma once

#include <functional>
#include <string>

#include "models/calibration/measure/backend.h"
#include "models/calibration/measure/measured_file.h"
#include "models/calibration/measure/plan.h"
#include "models/calibration/measure/sampling.h"

namespace weft::models {

struct MeasureOptions {
  bool cold_l2 = true;
  bool graph = true;                 ///< replay CUDA graphs for kernels shorter than graph_below_us
  double graph_below_us = 500;
  SamplingRule rule;
};

/// What the runner tells while it runs. Each may be empty.
struct MeasureListener {
  /// Before each kernel: how many are done of how many, what comes, and seconds that the rest will take (below 0: not known yet).
  std::function<void(std::size_t done, std::size_t total, const std::string& kernel, double left_s)> progress;
  std::function<void(const std::string& text)> warn;
  std::function<double()> now_s;     ///< a clock, for the estimate alone
};

struct MeasureCounts {
  std::size_t measured = 0;
  std::size_t there = 0;       ///< lines that the file had
  std::size_t refused = 0;     ///< shapes that the device cannot run
  std::size_t disagreed = 0;   ///< kernels that differ from the CPU reference: not timed
  std::size_t unstable = 0;    ///< written with "stable": false
  std::size_t throttled = 0;   ///< written, with what held the clocks down
};

/// Throws RunError when the device fails; the lines written until then stay.
MeasureCounts measure(Backend& backend, const Plan& plan, const MeasureOptions& options, MeasuredFile& file, const MeasureListener& listener);

}  // namespace weft::models
