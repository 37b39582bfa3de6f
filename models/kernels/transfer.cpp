#include "models/kernels/transfer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Dense>

#include "sim/core/error.h"

namespace weft::models {
namespace {

constexpr double kStiff = 0.05;   // of slopes: a doubling apart counts like a twentieth of all points
constexpr double kFar = 3;        // doublings at which the neighbours' word has half its weight
constexpr double kTypical = 0.04;  // log error beyond which a neighbour counts as an outlier among the others

struct Neighbour {
  double distance, error;
  std::size_t point;
};

/// Weighted median, then the mean with neighbours far from it held back; `weights` gets what each neighbour's word counted.
double agreed(std::vector<Neighbour>& near, double softness, std::vector<double>& weights) {
  std::sort(near.begin(), near.end(), [](const Neighbour& a, const Neighbour& b) { return a.error < b.error; });
  double all = 0, seen = 0, median = near.front().error;
  const auto weight = [softness](const Neighbour& n) { return 1 / ((n.distance + softness) * (n.distance + softness)); };
  for (const Neighbour& n : near) all += weight(n);
  for (const Neighbour& n : near) {
    seen += weight(n);
    median = n.error;
    if (seen >= all / 2) break;
  }
  double sum = 0, total = 0;
  for (const Neighbour& n : near) {
    const double w = weight(n) / std::max(1.0, std::abs(n.error - median) / kTypical);
    weights.push_back(w);
    sum += w * n.error;
    total += w;
  }
  return sum / total;
}

}  // namespace

std::vector<double> place_of(const KernelCall& call, const KernelForm& form, const double* features) {
  std::vector<double> place;
  for (std::size_t i = 0; i < call.at.size(); ++i) {
    const ShapeField& field = call.family->fields[i];
    if (field.weight > 0) place.push_back(field.weight * std::log2(1 + call.at[i]));
  }
  if (form.place != nullptr) {
    for (double x : form.place(features)) place.push_back(x);
  }
  return place;
}

Transfer::Transfer(std::vector<std::vector<double>> places, std::vector<double> log_errors, TransferSetting setting)
    : errors_(std::move(log_errors)), setting_(setting) {
  if (places.empty()) return;
  width_ = places.front().size();
  places_.reserve(places.size() * width_);
  for (const auto& row : places) {
    WEFT_CHECK(row.size() == width_, "points of one transfer table have the same coordinates");
    for (double x : row) places_.push_back(static_cast<float>(x));
  }
}

double Transfer::correction(const std::vector<double>& place, const std::vector<int>* group, int skip) const {
  const std::size_t wanted = static_cast<std::size_t>(setting_.neighbours);
  std::vector<std::pair<float, std::size_t>> near;   // a heap with the farthest on top
  near.reserve(wanted + 1);
  std::vector<float> at(place.begin(), place.end());
  for (std::size_t i = 0; i < errors_.size(); ++i) {
    if (group != nullptr && (*group)[i] == skip) continue;
    float square = 0;
    const float limit = near.size() < wanted ? std::numeric_limits<float>::max() : near.front().first;
    for (std::size_t d = 0; d < width_ && square < limit; ++d) {
      const float x = places_[i * width_ + d] - at[d];
      square += x * x;
    }
    if (square >= limit) continue;
    near.emplace_back(square, i);
    std::push_heap(near.begin(), near.end());
    if (near.size() > wanted) {
      std::pop_heap(near.begin(), near.end());
      near.pop_back();
    }
  }
  if (near.empty()) return 0;
  std::vector<Neighbour> found;
  double nearest = std::numeric_limits<double>::max();
  for (const auto& [square, i] : near) {
    found.push_back({std::sqrt(static_cast<double>(square)), errors_[i], i});
    nearest = std::min(nearest, found.back().distance);
  }
  std::vector<double> weights;
  double said = agreed(found, setting_.softness, weights);
  if (setting_.slopes) {
    std::vector<std::size_t> points;
    for (const Neighbour& n : found) points.push_back(n.point);
    said = on_plane(place, points, weights, said);
  }
  return said / (1 + (nearest / kFar) * (nearest / kFar));
}

/// The height at `place` of the plane through the points' errors, its slopes held small; never outside of what the points say.
double Transfer::on_plane(const std::vector<double>& place, const std::vector<std::size_t>& points, const std::vector<double>& weights, double mean) const {
  const auto n = static_cast<Eigen::Index>(width_ + 1);
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(n, n);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(n);
  double all = 0, low = errors_[points.front()], high = low;
  for (std::size_t k = 0; k < points.size(); ++k) {
    Eigen::VectorXd x(n);
    x(0) = 1;
    for (std::size_t d = 0; d < width_; ++d) x(static_cast<Eigen::Index>(d) + 1) = places_[points[k] * width_ + d] - place[d];
    normal += weights[k] * x * x.transpose();
    right += weights[k] * (errors_[points[k]] - mean) * x;
    all += weights[k];
    low = std::min(low, errors_[points[k]]);
    high = std::max(high, errors_[points[k]]);
  }
  for (Eigen::Index d = 1; d < n; ++d) normal(d, d) += kStiff * all;
  return std::clamp(mean + normal.ldlt().solve(right)(0), low, high);
}

double Transfer::distance(const std::vector<double>& place) const {
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < errors_.size(); ++i) {
    double square = 0;
    for (std::size_t d = 0; d < width_; ++d) square += std::pow(places_[i * width_ + d] - place[d], 2);
    best = std::min(best, square);
  }
  return std::sqrt(best);
}

}  // namespace weft::models
