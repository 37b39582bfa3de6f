// How many chunks a pipeline rank keeps activations of at its fullest instant, from the order of its schedule.
#pragma once

#include <cstdint>
#include <vector>

#include "models/llm/llm.h"
#include "workloads/training/layout.h"
#include "workloads/training/layout_reading.h"
#include "workloads/training/schedule.h"

namespace weft::workloads::training {

/// For each rank and each stage that it holds (in the order of StagesOfRank): chunks alive, each a micro-batch of one stage.
using LiveChunks = std::vector<std::vector<double>>;

/// How the stages of a kind of schedule lie on ranks. Throws UserError (place "chunks") for a number of stages a rank that it does not take.
PipelineShape shape_of(const ScheduleKind& kind, std::uint32_t chunks);

/// The chunks alive on each rank when their activations take most: from the beginning of a chunk's forward to the end of its weight gradients, a
/// forward counting before the backward beside it ends. The schedule must be of the layout's shape and micro-batches.
LiveChunks live_chunks(const models::Llm& m, const Layout& l, const PipelineSchedule& schedule);
/// The same for chunks that take `size` each, by stage.
LiveChunks live_chunks(const PipelineSchedule& schedule, const StagesOfRank& stages, const std::vector<double>& size);

/// Spreads a number of chunks a rank over its stages in proportion to S - s, the shares that stage s of S has in 1F1B.
LiveChunks spread_over_stages(const std::vector<double>& of_rank, const StagesOfRank& stages);

}  // namespace weft::workloads::training
