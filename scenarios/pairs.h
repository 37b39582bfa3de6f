// Finding two GPUs whose NICs stand in a wanted relation: same leaf, cross leaf, cross rail, ...
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "topology/router.h"

namespace weft::scenarios {

/// "same_node": two GPUs of a node. "same_leaf", "cross_leaf": different nodes, equal local index, NICs on one switch or
/// on two. "cross_rail": different nodes, different local index, different switches (may be unreachable).
/// "farthest": among rank 0's reachable peers of equal local index, the one most switches away. Empty when there is none
/// or the word is unknown.
std::optional<std::pair<Rank, Rank>> find_pair(const topology::Fabric& fabric, topology::Router& router, std::string_view relation);

}  // namespace weft::scenarios
