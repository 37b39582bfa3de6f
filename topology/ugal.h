// UGAL as a fluid: the share of traffic to keep on minimal paths so that the busiest cable is least busy.
#pragma once

#include <span>

#include "topology/saturation.h"

namespace weft::topology {

/// The x in [0, 1] that minimises the largest of x * minimal + (1 - x) * valiant over links; the larger x when several
/// do. `minimal` and `valiant` are loads by link, in the same order.
double solve_ugal_share(std::span<const double> minimal, std::span<const double> valiant);

/// The same for a list of demands on this fabric, over the links that are up.
double solve_ugal_share(const Fabric& fabric, std::span<const Demand> demands);

}  // namespace weft::topology
