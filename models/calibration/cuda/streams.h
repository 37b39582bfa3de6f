// Bodies of the kernels that stream memory, and of the router.
#pragma once

#include "models/calibration/cuda/here.h"

namespace weft::cuda {

template <class Here>
WEFT_DEVICE void copy_body(const Here& here, const Words4* a, Words4* b, std::int64_t vectors) {
  for (std::int64_t i = here.block() * here.threads() + here.thread(); i < vectors; i += here.blocks() * here.threads()) b[i] = a[i];
}

/// a = b + s c, FP32 (the triad of STREAM).
template <class Here>
WEFT_DEVICE void triad_body(const Here& here, Words4* a, const Words4* b, const Words4* c, float s, std::int64_t vectors) {
  for (std::int64_t i = here.block() * here.threads() + here.thread(); i < vectors; i += here.blocks() * here.threads()) {
    const Words4 x = b[i], y = c[i];
    Words4 out;
    for (int j = 0; j < 4; ++j) out.w[j] = bits_of_float(float_of_bits(x.w[j]) + s * float_of_bits(y.w[j]));
    a[i] = out;
  }
}

/// sums[thread of the grid] = the XOR of the words that it read: everything is read, next to nothing written.
template <class Here>
WEFT_DEVICE void read_body(const Here& here, const Words4* a, std::uint32_t* sums, std::int64_t vectors) {
  std::uint32_t all = 0;
  const std::int64_t me = here.block() * here.threads() + here.thread();
  for (std::int64_t i = me; i < vectors; i += here.blocks() * here.threads()) {
    const Words4 v = a[i];
    all ^= v.w[0] ^ v.w[1] ^ v.w[2] ^ v.w[3];
  }
  sums[me] = all;
}

/// Top-k of sigmoid(logit) + bias, one warp a token, 32 x `per_lane` experts; weights are the sigmoids of those chosen, made to sum to
/// one (arXiv:2412.19437, section 2.1.2, without groups). Of equals the lower expert comes first.
template <int per_lane, class Here>
WEFT_DEVICE void router_body(const Here& here, const float* logits, const float* bias, std::int32_t* chosen, float* weights, std::int64_t tokens,
                             int topk) {
  const std::int64_t warps = here.blocks() * (here.threads() / 32);
  constexpr int experts = 32 * per_lane;
  for (std::int64_t token = here.block() * (here.threads() / 32) + here.warp(); token < tokens; token += warps) {
    float score[per_lane], ranked[per_lane];
    WEFT_UNROLL
    for (int j = 0; j < per_lane; ++j) {
      const int expert = j * 32 + here.lane();
      score[j] = 1 / (1 + here.exp(-logits[token * experts + expert]));
      ranked[j] = score[j] + bias[expert];
    }
    float sum = 0, mine = 0;   // mine: the weight of the place in the list that is this lane's
    for (int place = 0; place < topk; ++place) {
      float best = ranked[0], best_score = score[0];
      int at = here.lane();
      WEFT_UNROLL
      for (int j = 1; j < per_lane; ++j) {
        if (ranked[j] > best) {
          best = ranked[j];
          best_score = score[j];
          at = j * 32 + here.lane();
        }
      }
      for (int mask = 16; mask > 0; mask >>= 1) {
        const float other = here.shuffle_xor(best, mask), other_score = here.shuffle_xor(best_score, mask);
        const int other_at = here.shuffle_xor(at, mask);
        if (other > best || (other == best && other_at < at)) {
          best = other;
          best_score = other_score;
          at = other_at;
        }
      }
      WEFT_UNROLL
      for (int j = 0; j < per_lane; ++j) {
        if (at == j * 32 + here.lane()) ranked[j] = -1e30f;   // taken
      }
      sum += best_score;
      if (here.lane() == place) mine = best_score;
      if (here.lane() == 0) chosen[token * topk + place] = at;
    }
    if (here.lane() < topk) weights[token * topk + here.lane()] = mine / sum;
  }
}

}  // namespace weft::cuda
