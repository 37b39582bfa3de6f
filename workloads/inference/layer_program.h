// A LayerProgram plays some layers of a unit on the engine: computing on each GPU, exchanges as transfers between all of them.
#pragma once

#include <optional>
#include <vector>

#include "workloads/inference/layer_setup.h"
#include "workloads/moe/routing_table.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"
#include "workloads/workload.h"

namespace weft::workloads::inference {

/// The GPUs of one EP group and what they exchange for `tokens` tokens of each; nothing without experts.
struct LayerExchanges {
  std::uint32_t ranks = 1, per_node = 1;
  std::optional<moe::RoutingTable> routing;
  std::optional<moe::Exchange> dispatch, combine;
};
/// How the experts' work falls on the GPUs of the EP group. Throws UserError (/balance, /ep, /redundant).
struct ExpertShares {
  std::vector<double> of;      ///< [rank] over the mean; empty: all alike
  double most = 1;
  bool groups_stay = true;     ///< the gate's groups of experts lie within nodes
};
ExpertShares shares_of(const LayerSetup& s, const ClusterView& cluster);

/// `tokens`: of a group in a micro-batch. Throws UserError (/gpus, /ep) when the cluster is too small.
LayerExchanges exchanges_of(const LayerSetup& s, double tokens, const ExpertShares& shares, const ClusterView& cluster);

/// A sum over the GPUs that share heads, as a ring: what each sends, and how it starts. Dense layers have two, taken together here.
struct RingSum {
  std::uint32_t gpus = 1;
  Bytes bytes;
  Seconds start_up;
};
RingSum ring_sum_of(const LayerSetup& s, double tokens);
std::vector<Leg> ring_legs(std::uint32_t first, std::uint32_t gpus, std::uint32_t per_node);

class LayerProgram final : public StaticProgram {
 public:
  /// `times`: computing of each rank, or of all alike when there is one.
  LayerProgram(const LayerSetup& s, const LayerExchanges& exchanges, const std::vector<PieceTimes>& times, double tokens, std::uint32_t periods);

  /// When each period ends: the last finish of its computing pieces, over ranks.
  std::vector<Seconds> ends(std::span<const Seconds> finish) const;
  /// How long an exchange of a rank's tokens runs, from its first start to its last finish: mean over ranks and over the periods but the first.
  Seconds mean_time(Piece exchange, std::span<const Seconds> start, std::span<const Seconds> finish) const;

  bool label(OpId id, OpLabel& out) const override;
  std::string track_name(std::uint32_t track) const override { return track == 0 ? "compute" : "exchanges"; }

 private:
  struct What {
    Piece piece;
    std::uint8_t micro_batch;
    bool marker;
    std::uint32_t rank, period;
  };
  void compute(const PlannedPiece& p, std::uint32_t i, const std::vector<PieceTimes>& times);
  void exchange(const PlannedPiece& p, std::uint32_t i, const moe::Exchange& e, bool combine);
  void tensor_sum(const PlannedPiece& p, std::uint32_t i);
  /// Of rank r: what piece `i` of this period waits for.
  void waits(const PlannedPiece& p, std::uint32_t i, std::uint32_t r, std::vector<OpId>& after) const;
  void note(Piece piece, std::uint8_t micro_batch, bool marker, std::uint32_t rank);

  OverlapPlan plan_;
  bool communicates_;
  RingSum sum_;
  std::uint32_t ranks_, per_node_, sms_, communication_sms_, period_ = 0;
  KernelId exchange_kernel_, tensor_kernel_;
  std::vector<std::vector<OpId>> now_, before_;   ///< [piece][rank]
  std::vector<OpId> exchanged_;                   ///< of each rank, its last exchange
  std::vector<What> what_;
  std::vector<std::uint32_t> owner_;
  std::vector<PieceTimes> times_;                 ///< of each rank, or of all
};

}  // namespace weft::workloads::inference
