// StepTimes: how long a unit of a serving cluster takes for one pass of prefill or one step of decode, by what its GPUs hold.
#pragma once

#include <cstdint>

#include "sim/core/units.h"

namespace weft::workloads::inference {

/// What a GPU works through in one pass of prefill: sums over the prompts, or pieces of prompts, in it.
struct PrefillLoad {
  double tokens = 0;    ///< new ones, which are computed
  double pairs = 0;     ///< of a new token and a token that it sees: a piece of n tokens after c others has n c + n (n + 1) / 2
  double cached = 0;    ///< tokens before the pieces, whose keys and values come from the cache
  double prompts = 0;   ///< that end in this pass
};

/// What a GPU holds in one step of decode.
struct DecodeLoad {
  double requests = 0;
  double kv_tokens = 0;   ///< in the cache, of all its requests
};

class StepTimes {
 public:
  virtual ~StepTimes() = default;
  /// A pass through all layers. `slowest`: what the GPU has that all GPUs of the unit wait for in every layer's exchanges, with no fewer
  /// tokens (in decode: requests) than their mean, which experts and exchanges see. Zero tokens: zero. From one thread at a time. More of a number takes
  /// longer on the whole, but not from each value to the next: times may go by whole tiles of kernels and blocks of the cache.
  virtual Seconds prefill(const PrefillLoad& slowest) const = 0;
  /// A step: all layers, MTP module, head and sampling. Zero requests: zero. The same holds.
  virtual Seconds decode(const DecodeLoad& slowest) const = 0;
  /// The part of such a pass or step in kernels that memory limits, where that is known.
  virtual double prefill_hbm_share(const PrefillLoad&) const { return 0; }
  virtual double decode_hbm_share(const DecodeLoad&) const { return 0; }
};

/// A kind of unit as a server sees it.
struct Unit {
  std::uint32_t nodes = 0;         ///< whole nodes
  std::uint32_t groups = 0;        ///< data-parallel groups of GPUs, each with a cache and requests of its own
  std::uint32_t gpus_per_group = 1;
  double kv_tokens = 0;            ///< that a group's cache has room for
  std::uint32_t drafts = 0;        ///< draft tokens a step (MTP); a step gives 1 to 1 + drafts tokens
  Bytes kv_per_token;              ///< over all layers
};

}  // namespace weft::workloads::inference
