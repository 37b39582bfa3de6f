// The CPU references of the kernels that work row by row, in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "models/calibration/cuda/numbers.h"

namespace weft::cuda {

/// x weight / sqrt(mean(x^2) + 1e-6)
inline std::vector<double> norm_row(const std::vector<std::uint16_t>& x, const std::vector<std::uint16_t>& weight) {
  double squares = 0;
  for (const std::uint16_t v : x) squares += static_cast<double>(from_bf16(v)) * from_bf16(v);
  const double factor = 1 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-6);
  std::vector<double> out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(from_bf16(x[i]) * factor * from_bf16(weight[i]));
  return out;
}

/// gate / (1 + exp(-gate)) x up of a row [gate | up].
inline std::vector<double> swiglu_row(const std::vector<std::uint16_t>& x) {
  const std::size_t half = x.size() / 2;
  std::vector<double> out;
  for (std::size_t i = 0; i < half; ++i) {
    const double gate = from_bf16(x[i]);
    out.push_back(gate / (1 + std::exp(-gate)) * from_bf16(x[half + i]));
  }
  return out;
}

/// The largest error of codes and scales per 128 against the values, in units of what rounding to E4M3 may do at most: half a step
/// of the code's binade, at least of the smallest one. At most 1 is right, but for rounding in the kernel's own arithmetic.
inline double quantised_error(const std::vector<double>& values, const std::vector<std::uint8_t>& codes, const std::vector<float>& scales) {
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double largest = 1e-4;
    for (std::size_t j = i / 128 * 128; j < i / 128 * 128 + 128; ++j) largest = std::max(largest, std::abs(values[j]));
    const double scale = scales[i / 128], wanted = largest / 448.0;
    if (!(std::abs(scale - wanted) <= 1e-2 * wanted)) return HUGE_VAL;   // the group's scale itself
    const double exponent = std::max(-6.0, std::floor(std::log2(std::max(std::abs(values[i]) / scale, 1e-9))));
    const double error = std::abs(scale * from_e4m3(codes[i]) - values[i]) / (scale * std::exp2(exponent - 4));
    worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
  }
  return worst;
}

/// sum over j of weights[j] rows[j]
inline std::vector<double> weighted_sum(const std::vector<std::vector<std::uint16_t>>& rows, const std::vector<float>& weights) {
  std::vector<double> out(rows[0].size(), 0.0);
  for (std::size_t j = 0; j < rows.size(); ++j) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += static_cast<double>(weights[j]) * from_bf16(rows[j][i]);
  }
  return out;
}

struct Routed {
  std::vector<std::int32_t> experts;   ///< best first
  std::vector<double> weights;         ///< sum to one
};

/// The k largest of sigmoid(logit) + bias; of equals the lower expert first.
inline Routed route(const std::vector<float>& logits, const std::vector<float>& bias, int topk) {
  std::vector<std::int32_t> order;
  std::vector<double> score;
  for (std::size_t e = 0; e < logits.size(); ++e) {
    order.push_back(static_cast<std::int32_t>(e));
    score.push_back(1 / (1 + std::exp(-static_cast<double>(logits[e]))));
  }
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return score[static_cast<std::size_t>(a)] + bias[static_cast<std::size_t>(a)] > score[static_cast<std::size_t>(b)] + bias[static_cast<std::size_t>(b)];
  });
  Routed r;
  double sum = 0;
  for (int j = 0; j < topk; ++j) {
    r.experts.push_back(order[static_cast<std::size_t>(j)]);
    r.weights.push_back(score[static_cast<std::size_t>(order[static_cast<std::size_t>(j)])]);
    sum += r.weights.back();
  }
  for (double& w : r.weights) w /= sum;
  return r;
}

}  // namespace weft::cuda
