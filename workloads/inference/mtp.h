// MTP: how many tokens a step gives when drafts are accepted with some probability, and when that pays.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace weft::workloads::inference {

/// The middle of "80-90 %" of second tokens accepted: arXiv:2505.09343 section 2.3.3.
constexpr double kAcceptance = 0.85;

/// Each draft is kept when it and all before it are accepted: 1 + p + p^2 + ...
inline double mtp_tokens(std::uint32_t drafts, double acceptance) {
  double tokens = 1, chain = 1;
  for (std::uint32_t i = 0; i < drafts; ++i) tokens += chain *= acceptance;
  return tokens;
}

/// The acceptance at which a step of `cost` times the time of one without drafts gives as many tokens a second; nothing when even 1 does not.
inline std::optional<double> mtp_break_even(std::uint32_t drafts, double cost) {
  if (drafts == 0 || cost > 1.0 + drafts) return std::nullopt;
  if (cost <= 1) return 0;
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (mtp_tokens(drafts, middle) < cost ? low : high) = middle;
  }
  return drafts == 1 ? cost - 1 : (low + high) / 2;
}

}  // namespace weft::workloads::inference
