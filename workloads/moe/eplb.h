// EPLB: DeepSeek's placement of experts and of redundant copies of the busy ones, so that the GPUs of a group get even loads.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/moe/balance.h"

namespace weft::workloads::moe {

/// What the copies of a layer's experts are spread over.
struct EplbShape {
  std::uint32_t replicas = 288;   ///< physical slots of all GPUs together; at least one for each expert
  std::uint32_t groups = 8;       ///< of experts, as the gate has them
  std::uint32_t nodes = 18;
  std::uint32_t gpus = 144;       ///< of all nodes together
};

enum class EplbPolicy {
  by_shape,       ///< hierarchical where the groups divide over the nodes, else global: the rule of EPLB
  hierarchical,   ///< groups of experts to nodes, copies within the node, copies to the node's GPUs
  global,         ///< copies of any expert to any GPU
};

struct EplbPlacement {
  ExpertPlacement experts;                      ///< expert_of_slot is EPLB's phy2log, copies its expert_count
  std::vector<std::uint32_t> replica_of_slot;   ///< [layer][slot]: which copy of its expert; 0 is the first
  bool hierarchical = false;

  /// Copies of the expert that has most, over all layers.
  std::uint32_t most_copies() const;
  /// EPLB's log2phy, [layer][expert][most_copies()]: the slots of an expert's copies, -1 where it has fewer.
  std::vector<std::int32_t> slots_of_experts() const;
};

/// The algorithm of deepseek-ai/EPLB, eplb.py at commit d52c72d; where loads are equal the lowest index comes first (upstream leaves that to
/// the sort of torch). Loads may be in any unit; a layer without load is placed too. Throws UserError (places --replicas, --groups,
/// --nodes, --gpus, and /LAYER/EXPERT of bad loads) with all that is wrong.
EplbPlacement rebalance(const ExpertLoads& loads, const EplbShape& shape, EplbPolicy policy = EplbPolicy::by_shape);

/// Whether the rule of EPLB takes the hierarchical policy.
constexpr bool is_hierarchical(const EplbShape& s) { return s.nodes > 0 && s.groups % s.nodes == 0; }

}  // namespace weft::workloads::moe
