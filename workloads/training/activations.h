// What a micro-batch leaves on a GPU until its backward pass, layer by layer.
#pragma once

#include <string>
#include <vector>

#include "models/llm/llm.h"
#include "sim/core/units.h"
#include "workloads/training/layout.h"

namespace weft::workloads::training {

/// One kind of kept activation.
struct ActivationPart {
  std::string name;   ///< "dispatched tokens"
  Bytes bytes;
};

Bytes sum_of(const std::vector<ActivationPart>& parts);

/// What one layer keeps of a micro-batch on one GPU under l.recompute. Tensor parallelism spreads what belongs to heads and FFN columns; norms,
/// residuals and latents only with sequence parallelism (Korthikanti et al., arXiv:2205.05198 section 4.2). Routed tokens are spread evenly, without
/// padding; attention scores are never kept.
std::vector<ActivationPart> layer_activations(const models::Llm& m, const Layout& l, bool moe);

/// What a chunk, one micro-batch of one stage, keeps: its layers, the two inputs of each MTP module, the input of each head.
Bytes chunk_activations(const models::Llm& m, const Layout& l, const StageContent& s);

/// Logits of one micro-batch and one head, which are there while loss and gradient are taken.
Bytes logits(const models::Llm& m, const Layout& l);

}  // namespace weft::workloads::training
