// The CPU reference of the MLA decode kernel: one query row against one request's keys, in double precision.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "models/calibration/cuda/numbers.h"

namespace weft::cuda {

/// softmax(scale x query keys^T) values: keys are the rows, values their first `columns` elements.
inline std::vector<double> attention_row(const std::vector<std::uint16_t>& query, const std::vector<std::vector<std::uint16_t>>& keys, int columns,
                                         double scale) {
  std::vector<double> scores;
  double largest = -HUGE_VAL;
  for (const auto& key : keys) {
    double s = 0;
    for (std::size_t i = 0; i < query.size(); ++i) s += static_cast<double>(from_bf16(query[i])) * from_bf16(key[i]);
    scores.push_back(scale * s);
    largest = std::max(largest, scores.back());
  }
  std::vector<double> out(static_cast<std::size_t>(columns), 0.0);
  double sum = 0;
  for (std::size_t t = 0; t < keys.size(); ++t) {
    const double weight = std::exp(scores[t] - largest);
    sum += weight;
    for (std::size_t c = 0; c < out.size(); ++c) out[c] += weight * from_bf16(keys[t][c]);
  }
  for (double& v : out) v /= sum;
  return out;
}

}  // namespace weft::cuda
