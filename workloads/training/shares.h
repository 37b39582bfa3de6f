// A GPU's share of the weights, and what its gradients cost to synchronise.
#pragma once

#include <vector>

#include "models/llm/llm.h"
#include "sim/core/units.h"
#include "workloads/training/layout.h"

namespace weft::workloads::training {

/// Parameters on one GPU, by how they are spread and kept.
struct ParameterShare {
  double experts = 0;      ///< routed ones: whole experts, 1 / ep of each layer's
  double matrices = 0;     ///< of attention, dense FFN, shared experts, MTP projections; 1 / tp of them, but for MLA's down-projections (whole)
  double vocabulary = 0;   ///< embedding and head, 1 / tp
  double rest = 0;         ///< norms, biases, router: on every GPU, never in FP8
  double others() const { return matrices + vocabulary + rest; }   ///< all but routed experts
  double total() const { return experts + others(); }
  ParameterShare& operator+=(const ParameterShare& o);
};

/// Of one layer.
ParameterShare layer_share(const models::Llm& m, const Layout& l, bool moe);
/// Of a stage without embedding and head.
ParameterShare stage_share(const models::Llm& m, const Layout& l, const StageContent& s);
/// Of a pipeline rank with all its stages. Embedding and head are there once, however many stages need them: an MTP module and a tied head use the
/// embedding too, so a rank with one of these has a copy of it.
ParameterShare rank_share(const models::Llm& m, const Layout& l, std::uint32_t rank);

/// Bytes of weights in l.weights; FP8 ones with an FP32 scale for 128 x 128 elements.
Bytes weight_bytes(const Layout& l, const ParameterShare& p);

/// GPUs with the same experts, and with the same others (of the same tensor-parallel rank): mirrors x dp x tp / ep, mirrors x dp.
double expert_copies(const Layout& l);
double other_copies(const Layout& l);

/// What a GPU sends (and receives) in a step to make its copies agree, as rings do it: (n - 1) / n of the bytes for each pass.
struct GroupSync {
  double copies = 1;
  Bytes reduce_scatter, all_gather;
};
struct GradientSync {
  GroupSync experts, others;
  Bytes reduce_scatter() const { return experts.reduce_scatter + others.reduce_scatter; }
  Bytes all_gather() const { return experts.all_gather + others.all_gather; }
};

/// ZeRO 0: gradients are reduce-scattered and gathered (an all-reduce). 1: gradients reduce-scattered, weights gathered. 2: gradients reduce-scattered
/// after each micro-batch, since their sum is kept in parts alone. 3: and weights gathered in each forward and each backward pass
/// (Rajbhandari et al., arXiv:1910.02054 section 7). With shards over dp alone, mirrored ranks sum and exchange the gradients of their shards.
GradientSync sync_of(const models::Llm& m, const Layout& l, std::uint32_t rank);

}  // namespace weft::workloads::training
