// Plays a PipelineSchedule in ideal data flow: when each cell starts and ends, how long ranks idle, how many activations they hold.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workloads/training/schedule.h"

namespace weft::workloads::training {

struct CellSpan {
  Seconds start, finish;
};

/// What a schedule comes to. Ranks begin at 0 and are done when the last one is.
struct PlayedSchedule {
  std::vector<std::vector<CellSpan>> cells;   ///< as PipelineSchedule::cells
  Seconds makespan;
  std::vector<Seconds> bubble;         ///< by rank: makespan less its cells
  std::vector<Seconds> inner_bubble;   ///< by rank: the part of it between the start of its first and the end of its last cell
  /// By rank: most micro-batches at a stage whose forward has started and whose backward (of the inputs) has not ended. A forward
  /// beside a backward counts before that backward ends.
  std::vector<std::uint32_t> peak_activations;
  /// By rank: the same until the gradients of the weights are done.
  std::vector<std::uint32_t> peak_until_weights;

  Seconds mean_bubble() const;
};

/// How long a cell of a rank takes.
using CellDuration = std::function<Seconds(const Cell& cell, std::uint32_t rank)>;

/// A cell starts as soon as its rank's former cell has ended and what it needs is there: for a forward the output of the stage before,
/// for a backward that of its forward and of the stage behind, `hop` later where these lie on another rank. Sends never block.
/// Throws RunError, with what waits for what, when ranks wait for one another for ever.
PlayedSchedule play(const PipelineSchedule& schedule, const CellDuration& duration, Seconds hop = {});
PlayedSchedule play(const PipelineSchedule& schedule, const CellTimes& times, Seconds hop = {});

/// What breaks the promises of a schedule, in words; empty: each micro-batch has at each stage one forward, one backward of the inputs and
/// one of the weights, in this order, on the rank of the stage; all of it can be played; and with `fifo` each stage takes the micro-batches
/// of a direction in their order.
std::vector<std::string> problems_of(const PipelineSchedule& schedule, bool fifo = false);

}  // namespace weft::workloads::training
