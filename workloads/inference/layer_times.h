// LayerTimes: how long a pass of prefill or a step of decode takes, from kernel models and exchanges played once on the cluster.
#pragma once

#include <array>
#include <map>
#include <memory>

#include "workloads/inference/layer_costs.h"
#include "workloads/inference/layer_program.h"
#include "workloads/inference/memory.h"
#include "workloads/workload.h"

namespace weft::workloads::inference {

/// Where the time of a pass goes; the parts add up to `total`.
struct PassTime {
  Seconds layer;        ///< one layer with its exchanges, of all micro-batches
  Seconds layers;       ///< all of them
  Seconds dense;        ///< layers without experts in a model that has them
  Seconds ends;         ///< embedding, head, sampling
  Seconds mtp;          ///< the module: a layer, projection and head; in decode for each draft
  Seconds total;
};

/// A pass whose layer takes `layer`; `tensor_sum`: of a micro-batch over the GPUs that share heads, for the layers without experts.
PassTime pass_of(const LayerSetup& s, const MicroBatch& b, Seconds layer, Seconds tensor_sum);

/// Not safe for several threads at once: it remembers what it has worked out.
class LayerTimes final : public StepTimes {
 public:
  /// `cluster.play` is asked for exchanges as long as this lives. Throws UserError (/gpus, /ep, /kernel, ...) when the cluster cannot do it.
  LayerTimes(std::shared_ptr<const LayerSetup> setup, const ClusterView& cluster);

  Seconds prefill(const PrefillLoad& slowest) const override;
  Seconds decode(const DecodeLoad& slowest) const override;
  double prefill_hbm_share(const PrefillLoad& slowest) const override;
  double decode_hbm_share(const DecodeLoad& slowest) const override;
  /// Pieces of a layer, exchanges included.
  PieceTimes pieces(const MicroBatch& b) const;
  PassTime pass(const MicroBatch& b) const;

 private:
  double hbm_share(const MicroBatch& b) const;
  struct ExchangeTimes {
    Seconds dispatch, combine, tensor;
  };
  ExchangeTimes exchange(double tokens) const;
  const ExchangeTimes& played(std::uint32_t tokens) const;

  std::shared_ptr<const LayerSetup> setup_;
  ClusterView cluster_;
  OverlapPlan plan_;
  ExpertShares shares_;
  std::unique_ptr<const LayerTimes> alone_;   ///< of what cannot be split into micro-batches
  mutable std::map<std::uint32_t, ExchangeTimes> exchanges_;                         ///< by tokens of a group
  mutable std::map<std::array<double, 4>, Seconds> passes_;                          ///< by the load, exactly
  mutable std::map<std::pair<std::uint32_t, std::uint32_t>, Seconds> steps_;         ///< by requests and blocks of cache each
  mutable std::map<std::pair<std::uint32_t, std::uint32_t>, double> decode_shares_;  ///< the same
  mutable std::map<std::pair<std::int64_t, std::int64_t>, double> prefill_shares_;   ///< by tokens and cached tokens, both in steps of kShareStep
};

/// The unit as a server sees it.
Unit unit_of(const LayerSetup& s, std::uint32_t gpus_per_node);

}  // namespace weft::workloads::inference
