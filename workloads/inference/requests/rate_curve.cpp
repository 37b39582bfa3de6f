#include "workloads/inference/requests/rate_curve.h"

#include <algorithm>
#include <cmath>

#include "sim/core/error.h"

namespace weft::workloads::inference {

RateCurve::RateCurve(const std::vector<double>& rates, bool linear, Seconds period, Seconds first)
    : period_(period.value()), first_(first.value()), width_(period.value() / static_cast<double>(rates.size())) {
  double sum = 0;
  for (const double r : rates) sum += r;
  WEFT_CHECK(!rates.empty() && sum > 0 && period_ > 0, "a curve has a period and a rate");
  const double mean = sum / static_cast<double>(rates.size());
  origin_ = first_ + (linear ? width_ / 2 : 0);
  double amount = 0;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    Piece p{static_cast<double>(i) * width_, amount, rates[i] / mean, (linear ? rates[(i + 1) % rates.size()] : rates[i]) / mean};
    amount += (p.rate + p.next) / 2 * width_;
    pieces_.push_back(p);
  }
  before_ = from_origin(0);
}

double RateCurve::from_origin(double time_s) const {
  const double x = time_s - origin_, whole = std::floor(x / period_);
  const double rest = std::clamp(x - whole * period_, 0.0, period_);
  const Piece& p = pieces_[std::min(static_cast<std::size_t>(rest / width_), pieces_.size() - 1)];
  const double y = rest - p.begin;
  return whole * period_ + p.amount + p.rate * y + (p.next - p.rate) * y * y / (2 * width_);
}

double RateCurve::amount(double time_s) const { return from_origin(time_s) - before_; }

double RateCurve::time_of(double amount) const {
  const double a = amount + before_, whole = std::floor(a / period_), rest = a - whole * period_;
  const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), rest, [](double v, const Piece& p) { return v < p.amount; });
  const Piece& p = *(after == pieces_.begin() ? after : after - 1);
  // rate y + slope y^2 / 2 = left, in the form that does not lose digits; a piece of rate zero holds nothing.
  const double left = std::max(0.0, rest - p.amount), slope = (p.next - p.rate) / width_;
  const double root = std::sqrt(std::max(0.0, p.rate * p.rate + 2 * slope * left));
  const double y = left > 0 ? 2 * left / (p.rate + root) : 0;
  return origin_ + whole * period_ + p.begin + std::min(y, width_);
}

double RateCurve::peak() const {
  double peak = 0;
  for (const Piece& p : pieces_) peak = std::max(peak, p.rate);
  return peak;
}

}  // namespace weft::workloads::inference
