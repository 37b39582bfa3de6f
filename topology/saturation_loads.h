// Adds up what every switch-to-switch cable carries, pair of switches by pair of switches.
#pragma once

#include <cstdint>
#include <vector>

#include "topology/router_paths.h"

namespace weft::topology {

/// Traffic between two switches, in NIC line rates.
struct SwitchDemand {
  SwitchIndex from, to;
  double amount;
};

/// Line rates by link when all demands are spread over their shortest paths. Sorts `demands`; pairs must be connected.
std::vector<double> minimal_loads(PathFinder& paths, std::vector<SwitchDemand>& demands, std::size_t links);

/// The same when every demand takes two minimal legs by way of a random intermediate: a switch with NICs, or (where
/// minimal routes stay within groups) a third group.
std::vector<double> valiant_loads(PathFinder& paths, std::vector<SwitchDemand>& demands, std::size_t links);

}  // namespace weft::topology
