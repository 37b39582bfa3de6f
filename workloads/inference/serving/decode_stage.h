// The DecodeStage is all decode units of a server: which group a request goes to (the decode load balancer), and what a step of a unit does.
#pragma once

#include <optional>
#include <vector>

#include "workloads/inference/serving/decode_group.h"
#include "workloads/inference/serving/live_request.h"
#include "workloads/inference/serving/setup.h"

namespace weft::workloads::inference::serving {

/// What a unit begins a step with.
struct StepPlan {
  DecodeLoad slowest;                          ///< what the step takes as long as: see WaitFor
  double largest_batch = 0;
  std::uint64_t requests = 0, counted = 0;     ///< all; those that came after the warm-up
  double kv_imbalance = 1, request_imbalance = 1;   ///< largest over mean of the groups
  std::vector<std::uint32_t> joined;           ///< requests of which this is the first step
};

class DecodeStage {
 public:
  DecodeStage(const StageSetup& stage, const ServingPolicy& policy, std::uint64_t seed);

  std::uint32_t units() const { return static_cast<std::uint32_t>(units_.size()); }
  std::uint32_t unit_of(std::uint32_t group) const { return group / groups_per_unit_; }
  bool busy(std::uint32_t unit) const { return units_[unit].busy; }

  /// The group that a request whose context is computed goes to, of those with room; none: there is none.
  std::optional<std::uint32_t> choose(const LiveRequest& r) const;
  /// Takes its memory, until it leaves.
  void place(std::uint32_t group, LiveRequest& r);
  /// It has arrived; its unit takes it into the next step.
  void arrive(std::uint32_t request, std::uint32_t group);

  /// Begins the next step; `evicted`: requests that have to leave first since memory is full, youngest first, with what they got. No
  /// requests: there is nothing to do and the unit is idle.
  StepPlan begin(std::uint32_t unit, const LiveRequests& requests, std::vector<Left>& evicted);
  /// Ends it. Returns the tokens delivered; `left`: requests that have got all.
  std::uint64_t end(std::uint32_t unit, const LiveRequests& requests, std::vector<Left>& left);

  /// Tokens of memory taken, in all groups.
  double taken() const { return taken_; }

 private:
  struct UnitState {
    std::uint64_t step = 0;                    // number of the next one, or of that which runs
    bool busy = false;
    std::uint64_t counted = 0;                 // of its running requests, those that came after the warm-up
    std::vector<std::uint32_t> arrived;
  };
  bool has_room(const DecodeGroup& g, const LiveRequest& r) const;
  std::uint64_t promise(const LiveRequest& r) const;
  void make_room(UnitState& unit, DecodeGroup& group, std::vector<Left>& evicted);

  Unit unit_;
  ServingPolicy policy_;
  Drafts drafts_;
  std::uint32_t groups_per_unit_;
  std::vector<DecodeGroup> groups_;
  std::vector<UnitState> units_;
  double placed_kv_ = 0, placed_ = 0, taken_ = 0;   // sums over the groups
  std::uint32_t turn_ = 0;
  double request_weight_ = 1, kv_weight_ = 0;   // what a request and a token of cache add to a step, about
};

}  // namespace weft::workloads::inference::serving
