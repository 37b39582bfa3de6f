// The phases of a serving pass on one GPU: the kernels between two exchanges of prefill or decode, in order.
#pragma once

#include <string>
#include <vector>

#include "models/llm/train_phases.h"

namespace weft::models {

/// What one GPU does between two exchanges. `attention_before` and `attention_after` are the two parts in which decode overlaps attention: up to
/// its core, and from there to the router; prefill runs them as one. Sending and receiving are the kernels that a low-latency exchange has at its
/// ends (what goes between them takes no SMs).
enum class InferPhase {
  attention_before, attention_after, shared, experts, dense_mlp,
  dispatch_send, dispatch_receive, combine_send, combine_receive,
  embedding, head, mtp_projection
};

std::string to_text(InferPhase p);
const std::vector<InferPhase>& infer_phases();

/// What a GPU (with tensor parallelism: a group of `tp`, of which this is one) works on in a micro-batch.
struct InferShape {
  bool decode = true;
  double tokens = 128;       ///< rows of products: prefill new tokens; decode requests x query tokens
  // Decode.
  double requests = 64;
  double kv_tokens = 64 * 4096;   ///< in the cache, of all requests
  // Prefill.
  double pairs = 0;          ///< of a new token and one that it sees
  double cached = 0;         ///< tokens before the new ones, whose keys and values are expanded from the cache
  double prompts = 1;        ///< that end here: rows of the head
  double ep = 1, tp = 1;
  double redundant = 0;      ///< copies of experts beyond one each, over ep GPUs
  double load = 1;           ///< routed rows of this GPU over the mean
  bool fp8 = true;           ///< products of layers in FP8 with block scales, with their casts; else BF16
  double combine_element = 2;   ///< decode: bytes in which an element goes back from an expert
  bool fp8_cache = false;    ///< decode with latent attention: the cache in FlashMLA's FP8 format
  bool aligned = true;       ///< prefill: rows of each expert are padded to whole tiles of 128, half a tile on average

  /// Routed rows of this GPU, without padding.
  double rows(const Llm& m) const { return tokens / tp * m.topk * load; }
};

/// The kernels of a phase in the order in which they start. Bytes are what a kernel has to read and write. Latent attention is absorbed in decode
/// and expanded in prefill. Throws UserError (places --ep, --tp, --redundant) for what does not divide.
std::vector<PhaseKernel> kernels_of(const Llm& m, InferPhase phase, const InferShape& shape);

}  // namespace weft::models
