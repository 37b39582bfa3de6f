// The matrix products and attentions of an Llm on one GPU: shapes, operations, bytes, and the kernel that does each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/kernels/kernel.h"
#include "models/llm/llm.h"
#include "sim/core/units.h"

namespace weft::models {

enum class Phase { train, prefill, decode };

/// What one GPU works on.
struct OpRequest {
  Phase phase = Phase::train;
  double tokens = 4096;     ///< in this micro-batch; train and prefill: whole sequences; decode: requests x queries
  double context = 4096;    ///< train and prefill: tokens of a sequence; decode: tokens in the cache of a request
  double queries = 1;       ///< decode: query tokens of a request in one step (2 with one draft token)
  double ep = 1;            ///< GPUs that share the experts of a layer
  double redundant = 0;     ///< copies of experts beyond one each, over those GPUs
  bool absorbed = true;     ///< decode with latent attention: queries meet the latent vectors themselves
  bool fused = false;       ///< q_a and kv_a as one product (as in decode always)
  bool fp8 = false;         ///< GEMMs in FP8 with block scales; else BF16
  bool fp8_cache = false;   ///< decode: the cache in FlashMLA's FP8 format
};

/// One kernel, or `count` of the same shape.
struct LlmOp {
  std::string name;                      ///< "q_b"
  double m = 0, n = 0, k = 0, groups = 1;  ///< as tables print it; m counts the rows of all groups of a grouped GEMM, but of one head of a batched one
  double count = 1;
  std::string family, variant;           ///< of models/kernels
  std::map<std::string, double> shape;   ///< by that family's fields
  Flops flops;                           ///< of all `count`; so are the bytes
  Bytes weights, in, out;                ///< read weights (decode attention: the cache), read activations, written (and read, where added to)
  double intensity() const { return flops.value() / (weights + in + out).value(); }   ///< operations a byte
};

/// The ops of one piece of the model; for training also its backward pass (input gradients, weight gradients).
struct OpBlock {
  std::string name;                      ///< "MoE layer"
  double layers = 1;                     ///< how many such pieces the model has
  std::vector<LlmOp> forward, input_gradient, weight_gradient;
};

/// The call of `op` (one of its `count`) as the kernel models take it.
KernelCall kernel_call_of(const LlmOp& op);

/// Dense layer, MoE layer, MTP module (what it has beside a layer) and head; pieces that the model lacks are left out.
/// Routed rows are spread evenly. Throws UserError (places --tokens, --queries, --ep, --redundant) for what does not divide.
std::vector<OpBlock> ops_of(const Llm& m, const OpRequest& request);

}  // namespace weft::models
