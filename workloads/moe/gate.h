// A Gate chooses the experts of a token: top-k under a limit on groups of experts, with scores drawn at random.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/core/random.h"

namespace weft::workloads::moe {

/// How groups are chosen; all then take the topk best experts of the chosen groups.
enum class GateRule {
  deepep_test,   ///< groups with the largest best score (DeepEP tests/test_internode.py)
  v3,            ///< groups with the largest sum of their two best affinities (arXiv:2412.19437, section 2.1.2)
  unrestricted,  ///< all groups
};

std::string to_text(GateRule rule);
/// "deepep_test", "v3", "unrestricted".
std::vector<std::string> gate_rule_names();
GateRule gate_rule(const std::string& name);

/// Scores are independent and alike for all experts. For deepep_test their distribution does not matter; for v3
/// the affinities (sigmoids) are uniform on (0, 1), that is, the logits are logistic.
struct Gate {
  GateRule rule = GateRule::deepep_test;
  std::uint32_t experts = 256;
  std::uint32_t groups = 8;  ///< divides experts; group g has experts g * experts / groups and on
  std::uint32_t chosen_groups = 4;
  std::uint32_t topk = 8;  ///< at most chosen_groups * experts / groups

  std::uint32_t group_size() const { return experts / groups; }
  /// Writes `topk` different experts, best first.
  void choose(Draws& draws, std::span<std::uint32_t> experts_out) const;
};

}  // namespace weft::workloads::moe
