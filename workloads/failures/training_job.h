// A TrainingJob under failures: what can fail how often, what the job does then, and how its wall time is spent over days and weeks.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "models/failures/recovery.h"

namespace weft::workloads::failures {

/// What a failure does to the job.
enum class Effect {
  stop,     ///< the job ends, loses what came after its last checkpoint, and starts again
  slow,     ///< its network switches over, then it goes on at less speed until the repair
  corrupt,  ///< it goes on; later somebody notices, and the job goes back to a checkpoint from before
  flap,     ///< its network waits until the path is there again, or gives up
};

/// One cause with its rate.
struct FailureStream {
  std::string cause;
  models::FailedPart part = models::FailedPart::node;
  double per_hour = 0;           ///< of all parts that the job uses
  Effect effect = Effect::stop;
  double nodes_lost = 0;         ///< that have to be replaced; infinite: the job cannot go on before the repair
  double slowdown = 1;           ///< of a step until the repair, 1 or more
  Seconds detection, switch_over, repair;
};

struct TrainingJob {
  Seconds duration;              ///< of wall time that is simulated
  Seconds interval;              ///< of work at full speed between two checkpoints
  Seconds pause;                 ///< how long the job stands still for one
  Seconds restart;
  double spares = std::numeric_limits<double>::infinity();   ///< nodes that stand ready; one that was replaced joins them when it is repaired
  double weibull_shape = 1;      ///< of the times between failures of a cause; 1: exponential, below: failures come in clusters
  models::RetryPolicy retry;
  Seconds flap_shortest, flap_longest, silent_detection;
  std::vector<FailureStream> streams;
};

/// Seconds of wall time; they add up to the duration.
struct TimeSpent {
  double useful = 0;         ///< work that was kept, at full speed
  double degraded = 0;       ///< what that work took longer with parts lost
  double checkpoints = 0;
  double recomputed = 0;     ///< work, and what it took longer, that was lost
  double stalled = 0;        ///< waiting for the network
  double detection = 0, restart = 0;
  double waiting = 0;        ///< for a spare node or a repair

  double total() const { return useful + degraded + checkpoints + recomputed + stalled + detection + restart + waiting; }
};

struct CauseOutcome {
  double failures = 0;
  double interruptions = 0;   ///< failures after which the job had to start again
  double lost_s = 0;          ///< all that is not useful but checkpoints, by what brought it about last
};

struct JobOutcome {
  TimeSpent spent;
  std::vector<CauseOutcome> causes;   ///< in the order of the streams
};

/// One run of the job. Draws depend on (seed, replica, cause, number of the failure) alone. Precondition: interval and duration are positive.
///
/// * A failure strikes in wall time, also in checkpoints, detections and restarts; then these begin anew. Corruption and flaps strike a job that trains.
/// * With several parts lost the job is as slow as the worst of them makes it (synchronous steps wait for the slowest).
/// * Restoring a checkpoint written before a corruption heals it. Checkpoints are kept as long as they may be needed.
/// * What was worked since the last checkpoint counts as useful when time is up.
JobOutcome simulate(const TrainingJob& job, std::uint64_t seed, std::uint64_t replica);

/// Failures that `replicas` runs are to expect; what simulate() takes grows with it and with nothing else.
double expected_failures(const TrainingJob& job, double replicas);

}  // namespace weft::workloads::failures
