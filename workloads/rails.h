// Rails: which NICs of a job still carry traffic, and over which ones the bytes of a lost or slower rail go instead.
#pragma once

#include <span>
#include <vector>

#include "workloads/parameters.h"
#include "workloads/workload.h"

namespace weft::workloads {

/// What to do when a NIC has no path to its rail any more.
enum class OnLostNic { error, neighbour, rebalance };

struct RailOptions {
  OnLostNic on_lost_nic = OnLostNic::error;
  std::vector<double> weights;  ///< what each rail can carry, relative to the others; empty: all alike
};

/// Reads on_lost_nic and rail_weights.
RailOptions read_rail_options(Parameters& p);
/// Their explanations, for WorkloadKind::parameters.
std::vector<ColumnDoc> rail_parameter_docs();

/// Rail k joins the NICs with local index k of nodes 0 to nodes-1. Traffic due on a rail goes over it where both ends
/// are alive and the rail bears its share; otherwise through the other GPUs of the node (NVLink) and their NICs.
class Rails {
 public:
  /// Throws UserError (place /on_lost_nic) when a NIC is lost and the options say so, or a node has none left;
  /// (place /rail_weights) when their number is not that of the rails.
  Rails(const ClusterView& cluster, std::uint32_t nodes, std::uint32_t rails, const RailOptions& options);

  struct Share {
    std::uint32_t rail;
    double share;
  };
  /// The rails that carry what is due on rail `due` from node a to node d; shares add up to 1.
  std::span<const Share> carriers(std::uint32_t a, std::uint32_t d, std::uint32_t due) const {
    return plan(a, d).carriers[due];
  }
  /// What rail `via` carries from a to d: the due rails with the part of each.
  std::span<const Share> carried(std::uint32_t a, std::uint32_t d, std::uint32_t via) const {
    return plan(a, d).carried[via];
  }

  /// Every rail carries what it is due and nothing else, between any two nodes.
  bool keep_apart() const { return keep_apart_; }

  /// Appends the legs that move `share` from GPU (a, rail) to GPU (d, rail).
  void append_legs(std::uint32_t a, std::uint32_t d, std::uint32_t rail, double share, std::vector<Leg>& legs) const;

 private:
  struct Plan {
    std::vector<std::vector<Share>> carriers, carried;
  };
  const Plan& plan(std::uint32_t a, std::uint32_t d) const {
    return plans_[plan_of_[mask_of_[a] * masks_ + mask_of_[d]]];
  }
  Plan make_plan(const std::vector<bool>& alive, const RailOptions& options) const;
  std::vector<bool> alive_rails(const ClusterView& cluster, std::uint32_t node) const;
  void index_plans(const std::vector<std::vector<bool>>& masks, const RailOptions& options);

  std::uint32_t nodes_, rails_;
  std::vector<std::uint32_t> mask_of_;  ///< by node: which set of live rails it has
  std::size_t masks_ = 0;
  std::vector<std::uint32_t> plan_of_;  ///< by pair of sets
  std::vector<Plan> plans_;
  bool keep_apart_ = true;
};

inline Endpoint gpu_at(std::uint32_t node, std::uint32_t local) { return {Endpoint::Kind::gpu, NodeId(node), local}; }
inline Endpoint nic_at(std::uint32_t node, std::uint32_t local) { return {Endpoint::Kind::nic, NodeId(node), local}; }

}  // namespace weft::workloads
