// Running one case of a workload: its trials on an engine, each held against its bound.
#pragma once

#include <string>

#include "scenarios/cluster.h"
#include "scenarios/runner.h"
#include "workloads/workload.h"

namespace weft::scenarios {

/// The rows of one case: its result, and the terms of its bound (empty when it has no time).
struct CaseRows {
  Row result, bound;
  std::vector<Row> more;   ///< as Case::more_rows gives them
  std::uint32_t ranks = 0, simulated_ranks = 0;   ///< as in engine::Summary; of the trial that folded least
};

/// "[gpus=16,size_B=1024]"; empty without labels.
std::string label_of(const workloads::Case& c);

/// What the engine is told, whatever the case.
engine::Options engine_options(const RunOptions& options, const Cluster& cluster);

/// With options.trace the first trial is drawn. `where` begins the message of the RunError that is thrown when a result lies under its bound.
CaseRows run_case(const workloads::Case& c, const Cluster& cluster, const RunOptions& options, const std::string& where);

}  // namespace weft::scenarios
