#include "workloads/failures/training_job.h"

#include "workloads/failures/training_run.h"

namespace weft::workloads::failures {

JobOutcome simulate(const TrainingJob& job, std::uint64_t seed, std::uint64_t replica) { return TrainingRun(job, seed, replica).run(); }

double expected_failures(const TrainingJob& job, double replicas) {
  double per_hour = 0;
  for (const FailureStream& s : job.streams) per_hour += s.per_hour;
  return per_hour * job.duration.value() / 3600 * replicas;
}

}  // namespace weft::workloads::failures
