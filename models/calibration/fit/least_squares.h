// Robust least squares: parameters that make residuals small, within bounds, with outliers held back.
#pragma once

#include <functional>
#include <vector>

namespace weft::models {

struct LeastSquaresProblem {
  std::size_t residuals = 0;
  std::vector<double> low, high, start;     ///< of the parameters
  std::vector<double> prior;                ///< a weak pull of each parameter towards `centre`: weight of (x - centre)^2
  std::vector<double> centre;
  double scale = 0.05;                      ///< residual beyond which a row counts as an outlier (soft L1)
  int iterations = 60;
  /// Writes one residual a row.
  std::function<void(const std::vector<double>& x, std::vector<double>& residuals)> evaluate;
};

struct LeastSquaresSolution {
  std::vector<double> x;
  double cost = 0;
  std::vector<double> residuals;
  std::vector<std::vector<double>> covariance;   ///< cluster-robust with two clusters more than parameters; else from the rows' scatter, at least `scale`
  std::vector<bool> at_bound;
};

/// Levenberg-Marquardt with soft-L1 weights and clamped steps; deterministic. `clusters`: one number a row; rows of a cluster may err alike.
/// Empty: no covariance is computed.
LeastSquaresSolution solve_least_squares(const LeastSquaresProblem& problem, const std::vector<int>& clusters = {});

}  // namespace weft::models
