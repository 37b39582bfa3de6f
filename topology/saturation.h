// How much of the NICs' line rate a fabric's switch-to-switch cables can carry under a traffic pattern.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/placement.h"
#include "topology/router.h"

namespace weft::topology {

/// Traffic between two endpoints with NICs; `amount` is in NIC line rates.
struct Demand {
  Endpoint from, to;
  double amount = 1;
};

/// Load of every link (by LinkId) in units of its own rate; NIC cables and node buses count as zero. Traffic is spread
/// as the router's path choice says, evenly over the shortest paths that are up, whatever its policy. Valiant detours
/// average over all intermediates. Headers are left out: a NIC at line rate sends them too. Throws UserError when a
/// demand has no path.
std::vector<double> link_loads(const Router& router, std::span<const Demand> demands);

/// Every NIC at line rate, evenly to all others. A Dragonfly whose wiring looks the same from every group is counted
/// from one group (exact, by symmetry): 511 groups take seconds.
std::vector<double> uniform_link_loads(const Router& router);

/// Every NIC of group g at line rate, evenly to the NICs of group g + shift.
std::vector<double> group_shift_link_loads(const Router& router, std::uint32_t shift);

/// Throughput as a share of line rate: 1 / the largest load; infinite when no cable carries anything.
double saturation(std::span<const double> loads);
double saturation(const Router& router, std::span<const Demand> demands);

/// The same if the loads were spread evenly over all switch-to-switch cables that are up: 1 / their mean load. What
/// formulas such as k' / (p * mean distance) give; no routing over paths of these lengths beats it.
double balanced_saturation(const Router& router, std::span<const double> loads);

}  // namespace weft::topology
