// Routing tables in which the ranks of a group receive unequally, by their shares of the experts' load.
#pragma once

#include <span>

#include "workloads/moe/routing_table.h"

namespace weft::workloads::moe {

/// Means, not draws. Every rank sends the same; rank r receives shares[r] times the mean (shares are normalised; one a rank, none
/// negative, not all zero). `gate.experts` are the slots of the group, redundant copies included: a multiple of its ranks. Where copies do not
/// stay within the gate's groups of nodes (BalanceResult::groups_stay), give an unrestricted gate.
///
/// Selections of a source add up to tokens * topk - masked. Of m slots that share a rank's load evenly a token chooses each with
/// probability p = topk share / slots, so that the rank is hit with 1 - (1 - p)^m; that is scaled so that share 1 gives what
/// expected_routing() gives. Copies are at most selections, and all of them at one slot a rank; a node's messages follow in the same way from the
/// mean share of its ranks, and lie between the largest and the sum of its copies.
RoutingTable routing_from_shares(const Gate& gate, const Group& group, std::span<const double> shares, std::uint64_t seed);

}  // namespace weft::workloads::moe
