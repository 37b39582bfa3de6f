// How often to write a checkpoint, and what part of the time is then useful: closed forms for failures that come at a constant rate.
#pragma once

#include "sim/core/units.h"

namespace weft::workloads::failures {

/// What the closed forms know of a job. All times are positive but for `pause` and `restart`, which may be zero.
struct CheckpointJob {
  Seconds mtbf;      ///< M: mean time between failures that stop the job
  Seconds pause;     ///< C: how long the job stands still for a checkpoint
  Seconds restart;   ///< R: from a failure until the job trains again
};

/// sqrt(2 C M) (Young, CACM 17(9), 1974): work between two checkpoints.
Seconds young_interval(const CheckpointJob& job);
/// sqrt(2 C M) (1 + sqrt(C / 2M) / 3 + C / 18M) - C, and M from C = 2M on (Daly, FGCS 22(3), 2006).
Seconds daly_interval(const CheckpointJob& job);
/// The interval with the highest efficiency(), found numerically: the root of (1 - t / M) e^((t + C) / M) = 1 between 0 and M.
Seconds best_interval(const CheckpointJob& job);

/// Useful part of the time, exact for exponential failures that may also strike in checkpoints and restarts: t / (M e^(R / M) (e^((t + C) / M) - 1)) (Daly 2006).
double efficiency(const CheckpointJob& job, Seconds interval);
/// 1 - C / t - t / 2M - R / M; below zero where it no longer holds.
double first_order_efficiency(const CheckpointJob& job, Seconds interval);
/// (1 - f (R + t / 2)) / (1 + C / t) with f = 1 / M: effective training time ratio (arXiv:2410.21680); below zero where it no longer holds.
double expected_ettr(const CheckpointJob& job, Seconds interval);

}  // namespace weft::workloads::failures
