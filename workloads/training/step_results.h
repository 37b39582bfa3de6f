// What a simulated training step comes to: the rows of arXiv:2505.09343 Table 4, for each pipeline rank and their mean, and what follows from them.
#pragma once

#include <vector>

#include "sim/core/row.h"
#include "workloads/training/step_record.h"
#include "workloads/training/step_setup.h"

namespace weft::workloads::training {

/// Parts of a step of one pipeline rank, in seconds; without the last two they add up to the step.
struct StepParts {
  double forward = 0, backward = 0, weight = 0;   ///< cells with that alone; weight gradients inside full backward cells count as weight
  double overlapped = 0;                          ///< a forward and a backward at once
  double bubble = 0;                              ///< between cells, and after the last until all ranks have ended
  double end = 0;                                 ///< gradients, optimiser, weights
  double communicating = 0;                       ///< time with an exchange of expert or tensor parallelism
  double exposed = 0;                             ///< of it, while nothing is computed
  double computing = 0;
  double sum() const { return forward + backward + weight + overlapped + bubble + end; }
  StepParts& operator+=(const StepParts& o);
  StepParts operator/(double n) const;
};

/// `pipeline`: until all ranks have ended; `end`: what follows.
std::vector<StepParts> parts_of(const PipelineSchedule& schedule, const StepRecord& record, Seconds pipeline, Seconds end);

/// What the end of a step comes to: gradients' sum, update, weights.
struct StepEnd {
  Seconds reduce_scatter, update, all_gather;
  Seconds total;
};
StepEnd end_of(const StepSetup& setup, Seconds reduce_scatter, Seconds update, Seconds all_gather);

/// What follows from the time of a step: throughput, use of the tensor cores, GPU hours.
struct StepRates {
  double tokens_per_day = 0;
  FlopsPerSecond causal, whole;        ///< of a GPU: attention counted over half the square of the sequence, over all of it
  double mfu_causal = 0, mfu = 0;      ///< parts of the dense BF16 peak
  double gpu_seconds_per_token = 0;
  /// When each GPU draws so much on average.
  double joules_per_token(Watts of_a_gpu) const { return of_a_gpu.value() * gpu_seconds_per_token; }
};
StepRates rates_of(const models::Llm& m, const models::Gpu& gpu, const Layout& l, Seconds step);

/// Part of board power that a GPU draws while idle, computing and waiting for communication: assumed (compute-heavy training draws about 76 % of a
/// node's rated power, arXiv:2506.14551).
struct PowerModel {
  double idle = 0.1, computing = 0.85, waiting = 0.35;   ///< the last two of what is above idle
  /// `busy`: part of the time in which it computes.
  double mean(double busy) const { return idle + (1 - idle) * (busy * computing + (1 - busy) * waiting); }
};
std::vector<ConstantUsed> constants_of(const PowerModel& p);

/// Rows: "mean" first, then each pipeline rank.
std::vector<Row> rows_of(const StepSetup& setup, const PreparedStep& step, const StepRecord& record, Seconds pipeline, const StepEnd& end);
std::vector<ColumnDoc> step_column_docs();


}  // namespace weft::workloads::training
