// The guard: a run that is faster than links, latencies and computation allow is a failed run.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "sim/analysis/bound.h"
#include "sim/analysis/ledger.h"
#include "topology/router.h"
#include "workloads/program.h"

namespace weft::analysis {

/// When operations started and finished, by OpId.
struct Timeline {
  std::span<const Seconds> start, finish;
};

struct GuardOptions {
  bool sharing = true;       ///< false: the run left contention out, so links say nothing
  double slack = 1e-9;       ///< of the time at hand: rounding
};

/// Each returns what is impossible about a run, with the phase or the operation and both numbers; nothing when it is possible.
/// They know link capacities and the program's bytes alone, and share nothing with an engine. The fabric must not have changed
/// in mid-run. An operation must have the same id however long things take.

/// The whole run against its bound.
std::optional<std::string> below_bound(const Bound& bound, Seconds makespan, const GuardOptions& options = {});

/// Every operation against what it takes alone; every phase, and the whole run, against the links: what a phase moves over a
/// link does not fit between its first start and its last finish there. `ledger` is complete().
std::optional<std::string> impossible(const Ledger& ledger, const topology::Router& router, std::span<const workloads::CommKernel> kernels,
                                      const Timeline& timeline, const GuardOptions& options = {});

}  // namespace weft::analysis
