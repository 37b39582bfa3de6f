#include "models/calibration/fit/least_squares.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <Eigen/Dense>

namespace weft::models {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

class Solver {
 public:
  explicit Solver(const LeastSquaresProblem& p) : p_(p), n_(p.start.size()) {}

  LeastSquaresSolution run() {
    x_ = p_.start;
    clamp(x_);
    cost_ = cost_at(x_, r_);
    double damping = 1e-3;
    for (int i = 0; i < p_.iterations; ++i) {
      jacobian();
      const double before = cost_;
      bool moved = false;
      for (int attempt = 0; attempt < 8 && !moved; ++attempt) {
        moved = step(damping);
        damping = moved ? std::max(1e-9, damping / 5) : damping * 6;
      }
      if (!moved || before - cost_ < 1e-9 * before + 1e-14) break;
    }
    LeastSquaresSolution s;
    s.x = x_;
    s.cost = cost_;
    s.residuals = r_;
    for (std::size_t j = 0; j < n_; ++j) s.at_bound.push_back(bound(j));
    return s;
  }

  /// Sandwich: H^-1 (sum over clusters of g g') H^-1 with H = J'W^3J, over the parameters that are not at a bound; with few clusters s^2 (J'WJ)^-1.
  std::vector<std::vector<double>> covariance(const std::vector<int>& clusters) {
    jacobian();
    std::vector<Eigen::Index> open;
    for (std::size_t j = 0; j < n_; ++j) {
      if (!bound(j)) open.push_back(static_cast<Eigen::Index>(j));
    }
    std::vector<std::vector<double>> out(n_, std::vector<double>(n_, 0));
    const auto free = static_cast<Eigen::Index>(open.size());
    if (free == 0) return out;
    Matrix j(j_.rows(), free);
    for (Eigen::Index c = 0; c < free; ++c) j.col(c) = j_.col(open[static_cast<std::size_t>(c)]);
    const Vector w = weights();
    // The loss bends less than its weight says where a residual nears the scale: its second derivative is w^3.
    Matrix normal = j.transpose() * w.array().cube().matrix().asDiagonal() * j;
    for (Eigen::Index c = 0; c < free; ++c) normal(c, c) += p_.prior[static_cast<std::size_t>(open[static_cast<std::size_t>(c)])] + 1e-9;
    std::map<int, Vector> scores;
    for (Eigen::Index i = 0; i < j.rows(); ++i) {
      auto [it, fresh] = scores.try_emplace(clusters[static_cast<std::size_t>(i)], Vector::Zero(free));
      it->second += j.row(i).transpose() * (w(i) * r_[static_cast<std::size_t>(i)]);
    }
    const Matrix inverse = normal.ldlt().solve(Matrix::Identity(free, free));
    const double groups = static_cast<double>(scores.size());
    Matrix c;
    if (scores.size() >= open.size() + 2) {
      Matrix meat = Matrix::Zero(free, free);
      for (const auto& [cluster, g] : scores) meat += g * g.transpose();
      c = inverse * meat * inverse * (groups / (groups - 1));
    } else {
      // Too few clusters to show their scatter: that of the rows, and at least `scale`, since a fit that meets every row proves nothing.
      double square = 0;
      for (double e : r_) square += e * e;
      c = inverse * std::max(p_.scale * p_.scale, square / std::max(1.0, static_cast<double>(r_.size()) - static_cast<double>(open.size())));
    }
    for (Eigen::Index a = 0; a < free; ++a) {
      for (Eigen::Index b = 0; b < free; ++b) {
        out[static_cast<std::size_t>(open[static_cast<std::size_t>(a)])][static_cast<std::size_t>(open[static_cast<std::size_t>(b)])] = (c(a, b) + c(b, a)) / 2;
      }
    }
    return out;
  }

 private:
  void clamp(std::vector<double>& x) const {
    for (std::size_t j = 0; j < n_; ++j) x[j] = std::clamp(x[j], p_.low[j], p_.high[j]);
  }

  bool bound(std::size_t j) const {
    const double edge = 1e-6 * (p_.high[j] - p_.low[j]);
    return x_[j] <= p_.low[j] + edge || x_[j] >= p_.high[j] - edge;
  }

  double cost_at(const std::vector<double>& x, std::vector<double>& r) const {
    r.resize(p_.residuals);
    p_.evaluate(x, r);
    double cost = 0;
    const double square = p_.scale * p_.scale;
    for (double e : r) {
      if (!std::isfinite(e)) return HUGE_VAL;
      cost += square * 2 * (std::sqrt(1 + e * e / square) - 1);
    }
    for (std::size_t j = 0; j < n_; ++j) cost += p_.prior[j] * (x[j] - p_.centre[j]) * (x[j] - p_.centre[j]);
    return cost;
  }

  Vector weights() const {
    Vector w(static_cast<Eigen::Index>(r_.size()));
    for (std::size_t i = 0; i < r_.size(); ++i) w(static_cast<Eigen::Index>(i)) = 1 / std::sqrt(1 + r_[i] * r_[i] / (p_.scale * p_.scale));
    return w;
  }

  void jacobian() {
    j_.resize(static_cast<Eigen::Index>(p_.residuals), static_cast<Eigen::Index>(n_));
    std::vector<double> moved;
    for (std::size_t j = 0; j < n_; ++j) {
      std::vector<double> x = x_;
      const double h = (x[j] + 1e-5 <= p_.high[j] ? 1 : -1) * 1e-5;
      x[j] += h;
      moved.resize(p_.residuals);
      p_.evaluate(x, moved);
      for (std::size_t i = 0; i < p_.residuals; ++i) j_(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = (moved[i] - r_[i]) / h;
    }
  }

  bool step(double damping) {
    const Vector w = weights();
    const Eigen::Map<const Vector> r(r_.data(), static_cast<Eigen::Index>(r_.size()));
    Matrix normal = j_.transpose() * w.asDiagonal() * j_;
    Vector gradient = j_.transpose() * (w.asDiagonal() * r);
    for (std::size_t j = 0; j < n_; ++j) {
      const auto e = static_cast<Eigen::Index>(j);
      normal(e, e) += p_.prior[j];
      gradient(e) += p_.prior[j] * (x_[j] - p_.centre[j]);
    }
    for (std::size_t j = 0; j < n_; ++j) {   // a parameter at its bound that would leave it stays
      const auto e = static_cast<Eigen::Index>(j);
      const bool out = (x_[j] <= p_.low[j] && gradient(e) > 0) || (x_[j] >= p_.high[j] && gradient(e) < 0);
      if (!out) continue;
      normal.row(e).setZero();
      normal.col(e).setZero();
      normal(e, e) = 1;
      gradient(e) = 0;
    }
    for (Eigen::Index e = 0; e < normal.rows(); ++e) normal(e, e) += damping * normal(e, e) + 1e-12;
    const Vector d = normal.ldlt().solve(-gradient);
    if (!d.allFinite()) return false;
    std::vector<double> x = x_, r_new;
    for (std::size_t j = 0; j < n_; ++j) x[j] += std::clamp(d(static_cast<Eigen::Index>(j)), -1.5, 1.5);
    clamp(x);
    const double cost = cost_at(x, r_new);
    if (!(cost < cost_)) return false;
    x_ = std::move(x);
    r_ = std::move(r_new);
    cost_ = cost;
    return true;
  }

  const LeastSquaresProblem& p_;
  std::size_t n_;
  std::vector<double> x_, r_;
  double cost_ = 0;
  Matrix j_;
};

}  // namespace

LeastSquaresSolution solve_least_squares(const LeastSquaresProblem& problem, const std::vector<int>& clusters) {
  Solver solver(problem);
  LeastSquaresSolution s = solver.run();
  if (!clusters.empty()) s.covariance = solver.covariance(clusters);
  return s;
}

}  // namespace weft::models
