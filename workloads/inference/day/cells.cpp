#include "workloads/inference/day/cells.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::inference {
namespace {

/// Rounding of sums and quotients of whole nodes stays far below this.
constexpr double kWhole = 1e-9;

/// The fewest cells, whole ones, for which nodes(cells) * capacity reaches the rate; nodes grow by `per_cell` from `fixed`.
double fewest(double rate, double capacity, double per_cell, double fixed) {
  return std::ceil((rate / capacity - fixed) / per_cell - kWhole);
}

}  // namespace

std::optional<double> Cell::cells_of(double count) const {
  const double cells = std::round((count - nodes(0)) / (nodes(1) - nodes(0)));
  if (cells < 1 || std::abs(nodes(cells) - count) > kWhole) return std::nullopt;
  return cells;
}

std::string Cell::levels_near(double count) const {
  const double cells = std::max(1.0, std::floor((count - nodes(0)) / (nodes(1) - nodes(0))));
  return fmt::format("{:.0f} + {:.0f} k nodes, k = 1, 2, ...: {:.0f} or {:.0f}", nodes(0), nodes(1) - nodes(0), nodes(cells), nodes(cells + 1));
}

double cells_needed(const Cell& cell, const TokenRates& rate, const TokenRates& node_capacity, const FollowRule& rule) {
  const double usable = 1 - rule.headroom;
  const double prefill = fewest(rate.input, node_capacity.input * usable, cell.prefill_nodes(1) - cell.prefill_nodes(0), cell.prefill_nodes(0));
  const double decode = fewest(rate.output, node_capacity.output * usable, cell.decode_nodes(1), 0);
  return std::max({prefill, decode, rule.least});
}

StepCurve follow_load(const Cell& cell, const StepCurve& load, const TokenRates& of_level_one, const TokenRates& node_capacity, const FollowRule& rule) {
  const auto intervals = static_cast<std::size_t>(std::llround(kHoursOfDay / rule.interval_h));
  WEFT_CHECK(intervals > 0, "a day has intervals");
  std::vector<double> cells;
  for (std::size_t i = 0; i < intervals; ++i) {
    const double now = kHoursOfDay * static_cast<double>(i) / static_cast<double>(intervals);
    const double next = kHoursOfDay * static_cast<double>(i + 1) / static_cast<double>(intervals);
    const double level = load.highest(now - rule.reaction_h - rule.hold_h, next - rule.reaction_h);
    const double needed = cells_needed(cell, {of_level_one.input * level, of_level_one.output * level}, node_capacity, rule);
    cells.push_back(rule.most > 0 ? std::min(needed, rule.most) : needed);
  }
  return equal_steps(std::move(cells));
}

}  // namespace weft::workloads::inference
