// How wrong predictions are: mean, median, 90th percentile and maximum of |predicted / measured - 1|, in per cent.
#pragma once

#include <cstddef>
#include <vector>

namespace weft::models {

struct ErrorStatistics {
  std::size_t rows = 0;
  double mean_pct = 0, median_pct = 0, p90_pct = 0, max_pct = 0;
  double bias_pct = 0;   ///< median of predicted / measured - 1: above zero, predictions are too long
};

/// `log_errors`: log(measured / predicted).
ErrorStatistics error_statistics(const std::vector<double>& log_errors);

/// Linear interpolation between the order statistics (as numpy's default); `values` need not be sorted. Empty: 0.
double quantile(std::vector<double> values, double q);

}  // namespace weft::models
