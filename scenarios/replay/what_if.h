// What-ifs of a replay: another network, another GPU, other SMs, no communication, perfect balance, predicted kernels; and how long each
// operation then takes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/cluster.h"
#include "scenarios/kernel_times.h"
#include "scenarios/runner.h"
#include "workloads/replay/recording.h"

namespace weft::scenarios::replay {

struct WhatIf {
  std::string gpu;                       ///< another GPU by name; empty: the trace's own
  std::string recorded_gpu;              ///< what the trace ran on, where weft does not know its device; empty: by the device's name
  std::optional<std::int64_t> comm_sms;  ///< SMs that communication takes from computing; nothing: as recorded
  bool no_communication = false;
  bool balanced = false;
  bool predicted = false;
  bool fixed_limits =
      false;             ///< kernels' own limits (44 GB/s of a 50 GB/s NIC) stay as they are on a faster wire, instead of growing with it
  KernelChoice kernels;  ///< without a cost model: fitted
  bool usual_calibrations = true;             ///< nobody chose calibrations: the GPU's of training comes first, where there is one
  std::map<std::uint32_t, double> longer_us;  ///< by operation; may be negative
};

/// Where the recording was made and where it is replayed; the same unless the network is a what-if.
struct Networks {
  const Cluster* recorded = nullptr;
  const Cluster* now = nullptr;
};

/// What gives the times of computing kernels on the GPU of the trace and on that of the what-if; both null where no kernel changes.
struct KernelModels {
  std::shared_ptr<const models::CostModel> recorded, now;
};
/// Throws UserError for a GPU that is not known.
KernelModels kernel_models(const workloads::replay::Recording& recording, const WhatIf& what, const DataPlaces& data,
                           const models::CostModelSource& source);

/// New durations, and what has to be said about them.
struct Durations {
  std::vector<double> us;  ///< by operation
  std::vector<std::string> notes, warnings;
  double modelled_us = 0, kept_us = 0;  ///< predicted: recorded time of computing kernels that have a model, and of those that keep it
  std::vector<ConstantUsed> constants;
};

/// Throws UserError: more SMs than the GPU has, an operation that is not there, a trace of more ranks than the cluster has GPUs.
Durations durations_of(const workloads::replay::Recording& recording, const WhatIf& what, const Networks& networks,
                       const KernelModels& kernels, const DataPlaces& data, const RunOptions& run);

/// The network that the recording was made on where nobody says: H800 nodes for its ranks on DeepSeek's eight planes.
Json usual_cluster(const workloads::replay::Recording& recording);

}  // namespace weft::scenarios::replay
