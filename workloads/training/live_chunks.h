// How many chunks a pipeline rank keeps activations of at its fullest instant, by the closed forms of each schedule's publication.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/training/layout_reading.h"
#include "workloads/training/stages.h"

namespace weft::workloads::training {

/// For each rank and each stage that it holds (in the order of StagesOfRank): chunks alive, each a micro-batch of one stage.
using LiveChunks = std::vector<std::vector<double>>;

/// A schedule as far as memory goes.
struct ScheduleMemory {
  std::string name;
  PipelineShape shape;
  std::string peak;     ///< the published peak in words: "PP + 1"
  std::string source;
};

/// gpipe, 1f1b, interleaved_1f1b, zb1p, zbv, dualpipe, dualpipev.
std::vector<std::string> schedules_with_known_memory();
/// `per_rank` stages on a rank for interleaved_1f1b.
ScheduleMemory schedule_memory(const std::string& name, std::uint32_t per_rank);

/// Chunks alive at the peak of each rank, none of the forms above what `micro_batches` allows. Stage s of S keeps S - s micro-batches in 1F1B,
/// DualPipe and DualPipeV, so a rank with stages r and S - 1 - r keeps S + 1; ZB1P and ZB-V hold S on every rank, since weight passes
/// come late; interleaved 1F1B has 2 (PP - r - 1) + (v - 1) PP + 1 on rank r; GPipe all.
LiveChunks live_chunks(const ScheduleMemory& schedule, std::uint32_t pp, std::uint32_t micro_batches);

/// Spreads a number of chunks a rank over its stages in proportion to S - s, the shares of 1F1B.
LiveChunks spread_over_stages(const std::vector<double>& of_rank, const StagesOfRank& stages);

}  // namespace weft::workloads::training
