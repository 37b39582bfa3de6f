// Drafts: how many tokens a request gets in a step of decode, by draws that depend on (seed, request, its step) alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "sim/core/random.h"

namespace weft::workloads::inference::serving {

/// A step gives one token and the drafts that were accepted; a draft counts only if all before it were, each with the same probability.
class Drafts {
 public:
  Drafts(std::uint32_t drafts, double acceptance, std::uint64_t seed) : most_(1 + drafts), seed_(hash_with(mix64(seed), hash_name("accepted drafts"))) {
    if (drafts == 0 || acceptance <= 0) fixed_ = 1;
    else if (acceptance >= 1) fixed_ = most_;
    double p = 1;
    for (std::uint32_t d = 0; fixed_ == 0 && d < drafts; ++d) accepted_.push_back(static_cast<std::uint64_t>(std::ldexp(p *= acceptance, 64)));
  }

  /// Tokens of every step, when they are not drawn; else zero.
  std::uint32_t fixed() const { return fixed_; }
  std::uint32_t most() const { return most_; }
  std::uint64_t key(std::uint32_t request) const { return hash_with(seed_, request); }
  /// What draw() takes, for the step that is `own` of the request.
  static constexpr std::uint64_t at(std::uint64_t key, std::uint64_t own) { return key + 0x9e3779b97f4a7c15ULL * own; }
  /// One uniform number decides on all drafts: it lies below acceptance^d when d of them are accepted.
  std::uint32_t draw(std::uint64_t at) const {
    const std::uint64_t u = mix64(at);
    std::uint32_t tokens = 1;
    for (const std::uint64_t bound : accepted_) tokens += u < bound;
    return tokens;
  }

 private:
  std::uint32_t most_, fixed_ = 0;
  std::uint64_t seed_;
  std::vector<std::uint64_t> accepted_;
};

}  // namespace weft::workloads::inference::serving
