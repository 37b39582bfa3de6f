// What each pipeline rank's GPUs hold in a training step, part by part, and whether it fits.
#pragma once

#include <string>
#include <vector>

#include "models/llm/llm.h"
#include "sim/core/units.h"
#include "workloads/training/layout.h"
#include "workloads/training/live_chunks.h"

namespace weft::workloads::training {

/// Memory of one GPU of a pipeline rank at its fullest instant.
struct RankMemory {
  Bytes weights, gradients, optimizer;
  Bytes activations;        ///< of the chunks alive
  Bytes logits;             ///< on a rank with a head
  Bytes buffers;            ///< communication and workspace; full recomputation: one layer's activations; ZeRO-3: one layer's gathered weights
  double chunks = 0;        ///< chunks alive
  Bytes total() const { return weights + gradients + optimizer + activations + logits + buffers; }
};

/// For each pipeline rank. The layout must be completed. Weights and the optimiser follow Rajbhandari et al. (arXiv:1910.02054): ZeRO-1 spreads the
/// optimiser over the copies of each parameter, ZeRO-2 gradients, ZeRO-3 weights; routed experts and everything else have copies of their own number.
std::vector<RankMemory> memory_of(const models::Llm& m, const Layout& l, const LiveChunks& live);

/// The rank that needs most.
std::size_t fullest(const std::vector<RankMemory>& ranks);

/// Empty when every rank fits into `memory`; else who lacks how much, what takes it, and which single changes would do.
std::string does_not_fit(const models::Llm& m, const Layout& l, const LiveChunks& live, Bytes memory);

}  // namespace weft::workloads::training
