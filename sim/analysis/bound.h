// The speed-of-light bound of a run: bytes over capacities and the longest chain, from Fabric and Program alone.
#pragma once

#include "sim/analysis/ledger.h"
#include "topology/router.h"
#include "workloads/program.h"

namespace weft::analysis {

/// No schedule of the program on this fabric can finish earlier than `total`.
struct Bound {
  Seconds total;          ///< the larger of the two below
  Seconds busiest_link;   ///< most loaded link's bytes over its capacity (kernel caps count as links)
  Seconds longest_chain;  ///< along dependencies: latency plus bytes over the narrowest hop, and compute durations
};

/// Walks the program as if every operation took its own minimum. Shares nothing with an engine. What each operation takes at
/// least is entered in `ledger` unless it is null.
Bound bound_of(topology::Router& router, workloads::Program& program, Ledger* ledger = nullptr);

}  // namespace weft::analysis
