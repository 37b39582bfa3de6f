// Reading what a scenario says of a serving cluster.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "workloads/inference/requests/source.h"
#include "workloads/inference/serving/setup.h"
#include "workloads/inference/stage_model.h"
#include "workloads/parameters.h"

namespace weft::workloads::inference::serving {

/// What a scenario says, before the cluster is known.
struct ServingInput {
  std::shared_ptr<const RequestSource> requests;
  std::shared_ptr<const StageModel> prefill, decode;
  RailOptions rails;
  std::vector<ConstantUsed> constants;   ///< of the prefix cache's kernel, where a scenario speaks of it
  ServingSetup setup;                ///< policies, goals, units; without times, requests and what the cluster tells
};

/// Reads a workload's keys; problems are recorded. Nothing after one.
std::optional<ServingInput> read_serving(Parameters& p, const WorkloadContext& context);
std::vector<ColumnDoc> serving_parameter_docs();

/// The setup on a cluster. Throws UserError when it has no room for the units, or a stage cannot run on it.
std::shared_ptr<const ServingSetup> prepare_serving(const ServingInput& input, const ClusterView& cluster);

}  // namespace weft::workloads::inference::serving
