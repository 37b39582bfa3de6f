// Exchanges: how long the communication of a recording takes on a simulated network, by the same workloads that scenarios run.
#pragma once

#include <map>
#include <string>

#include "scenarios/cluster.h"
#include "scenarios/runner.h"
#include "workloads/replay/recording.h"

namespace weft::scenarios::replay {

/// How an exchange is to be simulated.
struct ExchangeOptions {
  bool balanced = false;                   ///< every rank sends the mean
  double nic_limit = 1, nvlink_limit = 1;  ///< times the kernel's own limits
};

class Exchanges {
 public:
  Exchanges(const workloads::replay::Recording& recording, const DataPlaces& data, const RunOptions& run)
      : recording_(recording), data_(data), run_(run) {}

  /// Seconds of an exchange, or of a wait for peers that are all there (a token each way). Computed once for each kind and size.
  double seconds(const workloads::replay::RecordedOp& op, const Cluster& cluster, const ExchangeOptions& options);
  /// Whether the size of some exchange was not in the trace, so that only a ratio means something.
  bool guessed() const { return guessed_; }
  const std::vector<ConstantUsed>& constants() const { return constants_; }

 private:
  Json workload_of(const workloads::replay::RecordedOp& op, const Cluster& cluster, const ExchangeOptions& options);
  Json limited(const std::string& kernel, const ExchangeOptions& options) const;

  const workloads::replay::Recording& recording_;
  const DataPlaces& data_;
  const RunOptions& run_;
  std::map<std::pair<const Cluster*, std::string>, double> known_;
  std::vector<ConstantUsed> constants_;
  bool guessed_ = false;
};

}  // namespace weft::scenarios::replay
