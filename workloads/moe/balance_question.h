// What a scenario says of the balance of experts, and what that comes to for the GPUs of an EP group.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/row.h"
#include "sim/core/units.h"
#include "workloads/moe/eplb.h"
#include "workloads/moe/popularity.h"
#include "workloads/parameters.h"

namespace weft::workloads::moe {

enum class PlacementPolicy { none, random, global, hierarchical, eplb, together };
std::string to_text(PlacementPolicy policy);
std::vector<std::string> placement_policy_names();
PlacementPolicy placement_policy(const std::string& name);

/// How popular experts are, where their copies lie, and how old that placement is.
struct BalanceQuestion {
  std::optional<double> fixed;   ///< max over mean of the GPUs, given outright: all else is then unused

  Popularity popularity;
  std::shared_ptr<const ExpertLoads> recorded;   ///< in place of the popularity; its layers are used whatever is asked for
  std::uint32_t experts = 256, groups = 8;
  PlacementPolicy policy = PlacementPolicy::eplb;
  /// Sigma of the logarithm of what an expert's popularity changes by in `drift_time`; it walks, so it grows as the square root of time.
  double drift = 0;
  Seconds drift_time = Seconds(3600);
  /// Placements are made anew so often: the imbalance is the mean over their ages. Without it they are `drift_time` old.
  std::optional<Seconds> rebalance_period;
};

struct BalanceResult {
  Imbalance gpus;                       ///< max over mean of the group's GPUs: mean and worst over layers (and ages of the placement)
  double expert_max_over_mean = 1;      ///< of the logical experts, mean over layers
  double gini = 0;                      ///< of the logical experts, mean over layers
  double hottest_copies = 1;            ///< copies of the expert with most in a layer, mean over layers
  std::uint32_t most_copies = 1;        ///< ... in any layer
  bool groups_stay = false;             ///< each group of experts lies within one node (hierarchical): the gate's limit on groups limits nodes
  std::vector<double> shares;           ///< [gpu] of load over mean, of the layer that is nearest to gpus.mean

  /// What expert GEMMs' rows and received bytes of the slowest GPU are multiplied by.
  double max_over_mean() const { return gpus.mean; }
};

/// Reads `key`: absent or "even" (every GPU gets the same, as in DeepSeek's profiles), a number (max over mean), or an object (see
/// balance_parameter_docs). Remembered as an object, which reads the same again. `experts` and `groups` are the model's. Problems are recorded.
BalanceQuestion read_balance(Parameters& p, const std::string& key, std::uint32_t experts, std::uint32_t groups);
/// The keys of such an object, named `key/...`.
std::vector<ColumnDoc> balance_parameter_docs(const std::string& key);

/// The balance of `ep` GPUs with experts + redundant slots. With recorded loads `layers` is not used. Throws UserError (places /ep,
/// /redundant, /balance/policy) for what does not divide.
BalanceResult balance_of(const BalanceQuestion& question, std::uint32_t ep, std::uint32_t gpus_per_node, std::uint32_t redundant, std::uint32_t layers,
                         std::uint64_t seed);

// The pieces of balance_of, for those who ask more.

/// Loads when the placement is made.
ExpertLoads loads_for(const BalanceQuestion& question, std::uint32_t layers, std::uint64_t seed);
/// Sigma of the drift at that age.
double drift_at(const BalanceQuestion& question, Seconds age);
/// Throws as balance_of does.
ExpertPlacement placement_for(const BalanceQuestion& question, const ExpertLoads& loads, std::uint32_t ep, std::uint32_t gpus_per_node, std::uint32_t redundant,
                              std::uint64_t seed);
/// Imbalance while a placement gets from new to `period` old: mean over eight ages in the middles of eighths of it.
Imbalance imbalance_over(const BalanceQuestion& question, const ExpertLoads& loads, const ExpertPlacement& placement, Seconds period, std::uint64_t seed);

}  // namespace weft::workloads::moe
