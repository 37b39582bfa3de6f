// StepRecord: when the cells of each pipeline rank began and ended, and when its GPU computed and communicated.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/units.h"

namespace weft::workloads::training {

struct StepPlan;
struct PlanOp;

struct Span {
  double begin = 0, end = 0;
};

/// Of the first GPU of each pipeline rank. Seconds from the start of the step.
struct StepRecord {
  struct Rank {
    std::vector<Span> cells;                 ///< in the order of the schedule
    std::vector<Span> computing;             ///< one after the other
    std::vector<Span> exchanging;            ///< with experts' GPUs; one after the other
    std::vector<Span> reducing;              ///< with the tensor-parallel team; by their ends
    std::vector<double> weighing;            ///< by cell: seconds of weight gradients in it
  };
  std::vector<Rank> ranks;

  explicit StepRecord(const StepPlan& plan);
  void clear();
  void computed(std::uint32_t rank, const PlanOp& op, Span span);
};

}  // namespace weft::workloads::training
