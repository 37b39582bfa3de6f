// The order of cells that DualPipe and DualPipeV share: eight steps over two phases, with forwards of one beside backwards of the other.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "workloads/training/schedule.h"

namespace weft::workloads::training {

/// Where a rank stands: `depth` stages from the entry of its phase 0, `half` of them until the phases meet, `micro_batches` in each phase.
struct DualPlace {
  std::uint32_t half = 1;
  std::uint32_t depth = 0;
  std::uint32_t micro_batches = 0;
  std::array<Pass, 2> phase;   ///< direction and stage of either phase on this rank
};

/// The cells of such a rank. Source: deepseek-ai/DualPipe dualpipe/dualpipe.py and dualpipev.py, step().
std::vector<Cell> dual_order(const DualPlace& place);

/// (half - 1)(FB + B - 3W), as published.
Seconds dual_published_bubble(std::uint32_t half, const CellTimes& times);

/// Idle time of a rank at `depth` in ideal data flow, any M >= 4 half in all: with n = half - 1,
/// n (FB - 2w) + max(n b - F, n F) - (n - 1 - min(depth, n - 1)) (F + b + w - FB); nothing outside w <= F <= b, B = b + w <= FB <= F + b + w.
std::optional<Seconds> dual_exact_bubble(std::uint32_t half, std::uint32_t depth, const CellTimes& times);

}  // namespace weft::workloads::training
