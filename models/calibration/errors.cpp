#include "models/calibration/errors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace weft::models {

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

ErrorStatistics error_statistics(const std::vector<double>& log_errors) {
  ErrorStatistics s;
  s.rows = log_errors.size();
  if (log_errors.empty()) return s;
  std::vector<double> relative, absolute;
  for (double e : log_errors) {
    relative.push_back(100 * (std::exp(-e) - 1));
    absolute.push_back(std::abs(relative.back()));
  }
  s.mean_pct = std::accumulate(absolute.begin(), absolute.end(), 0.0) / static_cast<double>(absolute.size());
  s.median_pct = quantile(absolute, 0.5);
  s.p90_pct = quantile(absolute, 0.9);
  s.max_pct = *std::max_element(absolute.begin(), absolute.end());
  s.bias_pct = quantile(relative, 0.5);
  return s;
}

}  // namespace weft::models
