// Recovery: what a training job does about failures: how soon it notices, how long its network retries, what a restart and a repair take; from data files.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/failures/failure_rates.h"

namespace weft::models {

/// Retransmission of an InfiniBand queue pair as NCCL sets it up.
struct RetryPolicy {
  double timeout_exponent = 20;   ///< NCCL_IB_TIMEOUT
  double retries = 7;             ///< NCCL_IB_RETRY_CNT

  /// Between two tries: 4.096 us x 2^timeout_exponent (InfiniBand's local ack timeout).
  Seconds quantum() const;
  /// From the first loss until the queue pair gives up: quantum x retries.
  Seconds budget() const;
  /// How long a transfer stands still when its path is away for `down`: until the first try after that. Nothing when the path comes back too late: the transfer ends in an
  /// error, and with it the job.
  std::optional<Seconds> stall(Seconds down) const;
};

struct Recovery {
  std::string name, title;
  Sourced<Seconds> detection;           ///< from a failure that stops the job until somebody knows
  Sourced<Seconds> network_detection;   ///< the same where the network is to blame
  Sourced<Seconds> silent_detection;    ///< mean time until a silent corruption is noticed
  Sourced<double> timeout_exponent, retries;
  Sourced<Seconds> flap_shortest, flap_longest;   ///< a link that flaps is away for a time between these, all alike probable
  Sourced<Seconds> switch_over;         ///< until switches route around a lost cable or switch
  Sourced<Seconds> rail_switch_over;    ///< until a GPU without its NIC, cable or leaf sends by the NICs of its neighbours
  Sourced<Seconds> restart;             ///< from knowing until the job trains again
  std::map<FailedPart, Sourced<Seconds>> repair;   ///< until a part, or the node that left for it, is there again

  RetryPolicy retry() const { return {timeout_exponent.value, retries.value}; }
  /// Zero for what is never away: software.
  Seconds repair_of(FailedPart part) const;
};

/// `where` is a workload with "recovery": a name (models/data/recovery), a path or an object; without it nccl_default. Each key of a recovery may stand in the workload: it
/// then takes the place of that one's, `repair` part by part. Problems are recorded; then it must not be used.
Recovery read_recovery(JsonReader& where, const DataPlaces& data);
std::vector<ConstantUsed> constants_of(const Recovery& recovery);
/// Its keys as they came to, without their origins.
Json resolved_recovery(const Recovery& recovery);
std::vector<ColumnDoc> recovery_docs();

}  // namespace weft::models
