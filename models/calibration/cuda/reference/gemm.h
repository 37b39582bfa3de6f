// The CPU reference of the GEMMs: one element at a time, in double precision.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "models/calibration/cuda/numbers.h"

namespace weft::cuda {

/// sum a b, and the root of the sum of (a b)^2: what a sum of so many random products is about.
struct Dot {
  double value = 0, size = 0;
};

inline Dot dot(const std::vector<double>& a, const std::vector<double>& b) {
  Dot d;
  for (std::size_t i = 0; i < a.size(); ++i) {
    d.value += a[i] * b[i];
    d.size += a[i] * b[i] * a[i] * b[i];
  }
  d.size = std::sqrt(d.size);
  return d;
}

/// A row of BF16.
inline std::vector<double> values_of(const std::vector<std::uint16_t>& row) {
  std::vector<double> out;
  for (const std::uint16_t v : row) out.push_back(from_bf16(v));
  return out;
}

/// A row of E4M3, with the scale of each element: scale_at(k / 128).
template <class ScaleAt>
std::vector<double> values_of(const std::vector<std::uint8_t>& row, const ScaleAt& scale_at) {
  std::vector<double> out;
  for (std::size_t k = 0; k < row.size(); ++k) out.push_back(static_cast<double>(from_e4m3(row[k])) * scale_at(static_cast<std::int64_t>(k / 128)));
  return out;
}

}  // namespace weft::cuda
