// What a topology costs: price lists per switch, cable class and NIC, read from data files.
#pragma once

#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "topology/fabric.h"

namespace weft::topology {

struct PriceList {
  std::string name;
  std::string title;
  std::string caveat;                    ///< printed next to every cost (what it was calibrated to, what it leaves out)
  Sourced<Dollars> network_switch;
  Sourced<Dollars> endpoint_cable, long_haul_cable, local_cable;
  Sourced<Dollars> nic;                  ///< zero in lists that leave it out
  Sourced<Watts> switch_power, nic_power;  ///< zero when not given
};

/// By name from topology/data/prices, a path to a file, or an inline object.
PriceList read_price_list(JsonReader where, const DataPlaces& data);

struct Price {
  Dollars total;
  Dollars switches, endpoint_cables, long_haul_cables, local_cables, nics;
  Dollars per_endpoint;
  Watts power;
};

Price price_of(const Counts& counts, const PriceList& list);
std::vector<ConstantUsed> constants_of(const PriceList& list);

/// What to know of a fat tree that is small: that one switch would do where it has two layers. Empty for others.
std::string small_tree_note(const Topology& topology);

}  // namespace weft::topology
