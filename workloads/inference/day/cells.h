// A Cell is the step by which a service grows: some decode units and the prefill units that feed them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/core/provenance.h"
#include "workloads/inference/day/step_curve.h"

namespace weft::workloads::inference {

/// DeepSeek's staircase of nodes has levels of 8 + 30 k: k cells of a decode unit (18 nodes) and three prefill units (4 nodes), beside two
/// prefill units that stay. Counts are of units, sizes of nodes.
struct Cell {
  Sourced<double> prefill_unit, decode_unit;
  Sourced<double> prefill_units, decode_units, fixed_prefill_units;

  double prefill_nodes(double cells) const { return prefill_unit.value * (prefill_units.value * cells + fixed_prefill_units.value); }
  double decode_nodes(double cells) const { return decode_unit.value * decode_units.value * cells; }
  double nodes(double cells) const { return prefill_nodes(cells) + decode_nodes(cells); }
  /// How many cells so many nodes are; nothing where that is no whole number of at least one.
  std::optional<double> cells_of(double nodes) const;
  /// "8 + 30 k nodes, k = 1, 2, ...: 218 or 248".
  std::string levels_near(double nodes) const;
};

/// How fast tokens come or can be worked through, all nodes together or each of them.
struct TokenRates {
  double input = 0;    ///< tokens a second into prefill, those that the prefix cache has included
  double output = 0;   ///< tokens a second out of decode
};

/// How a number of cells follows the load.
struct FollowRule {
  double headroom = 0.1;     ///< part of a node's capacity that is kept free
  double least = 1;          ///< cells that always stay
  double most = 0;           ///< cells that there are; zero: no end
  double interval_h = 0.25;  ///< between decisions
  double reaction_h = 0;     ///< from the load that asks for a cell to its first token
  double hold_h = 0;         ///< a cell goes when the load has not needed it for so long
};

/// Cells that `rate` needs: the fewest whose prefill and decode nodes, with the headroom, both keep up; may be above rule.most.
double cells_needed(const Cell& cell, const TokenRates& rate, const TokenRates& node_capacity, const FollowRule& rule);

/// Cells over the day for a load that repeats every day; rates are `of_level_one` times its level. In each interval
/// there are as many cells as the highest load needed in the time [now - reaction - hold, now - reaction], but from rule.least to rule.most.
StepCurve follow_load(const Cell& cell, const StepCurve& load, const TokenRates& of_level_one, const TokenRates& node_capacity, const FollowRule& rule);

}  // namespace weft::workloads::inference
