// Transfer: what measured neighbours of a shape say about a formula's error there.
#pragma once

#include <cstddef>
#include <vector>

#include "models/kernels/kernel.h"

namespace weft::models {

/// How many neighbours speak, and how fast their word loses weight with distance (in doublings).
struct TransferSetting {
  int neighbours = 8;
  double softness = 0.3;
  bool slopes = false;     ///< a plane through the neighbours' errors in place of their mean: for smooth, dense tables
  bool operator==(const TransferSetting&) const = default;
};

/// Where a call lies among shapes: log2 of its fields by their weights, and what the form adds (its tile).
std::vector<double> place_of(const KernelCall& call, const KernelForm& form, const double* features);

/// Measured points with log(measured / formula). A prediction multiplies the formula by the exponential of correction().
class Transfer {
 public:
  Transfer() = default;
  /// `places`: one row of coordinates a point, all of equal length.
  Transfer(std::vector<std::vector<double>> places, std::vector<double> log_errors, TransferSetting setting);

  bool empty() const { return errors_.empty(); }
  /// Mean of the nearest points' log errors, weighted by 1 / (distance + softness)^2, outliers among them held back; fades with the distance
  /// of the nearest one. `skip`: points that may not speak (group[i] == skip), for tests on shapes left out.
  double correction(const std::vector<double>& place, const std::vector<int>* group = nullptr, int skip = -1) const;
  /// Distance to the nearest point, in doublings.
  double distance(const std::vector<double>& place) const;

 private:
  double on_plane(const std::vector<double>& place, const std::vector<std::size_t>& points, const std::vector<double>& weights, double mean) const;

  std::size_t width_ = 0;
  std::vector<float> places_;   ///< all rows, one after the other
  std::vector<double> errors_;
  TransferSetting setting_;
};

}  // namespace weft::models
