// Ring collectives: all-gather, reduce-scatter and all-reduce as coupled flows, one a ring.
#pragma once

#include <string>

#include "workloads/workload.h"

namespace weft::workloads {

/// What tells one ring collective from another.
struct RingCollective {
  std::string name;  ///< "all_gather"
  std::string title;
  std::string size_means;  ///< what `size` is, in nccl-tests' convention
  double passes = 1;       ///< how often each byte goes round: 2 for all-reduce
};

/// The kind: its reader, parameters and columns.
WorkloadKind ring_kind(const RingCollective& collective);

}  // namespace weft::workloads
