// RateCurve: how the rate of arrival goes up and down over a period, in parts of its mean, and its exact integral both ways.
#pragma once

#include <vector>

#include "sim/core/units.h"

namespace weft::workloads::inference {

class RateCurve {
 public:
  /// Constant.
  RateCurve() : RateCurve({1}, false, Seconds(86400), Seconds(0)) {}
  /// One rate for each of equal parts of a period, in any unit, not negative and not all zero; the first part begins at `first` (time of
  /// day). `linear`: the rate goes straight from the middle of a part to that of the next, else it jumps between parts. Either way the
  /// mean is that of the rates.
  RateCurve(const std::vector<double>& rates, bool linear, Seconds period, Seconds first);

  Seconds period() const { return Seconds(period_); }
  Seconds first() const { return Seconds(first_); }
  /// Integral from time of day zero on, in seconds at the mean rate: a period gives its own length. Any time, also beyond a period.
  double amount(double time_s) const;
  /// The first time with that amount; the inverse of amount().
  double time_of(double amount) const;
  /// Highest rate in parts of the mean.
  double peak() const;

 private:
  struct Piece {
    double begin = 0;          // seconds after `origin_`
    double amount = 0;         // integral up to there
    double rate = 0, next = 0; // at its beginning and end
  };

  std::vector<Piece> pieces_;
  double period_ = 0, first_ = 0, origin_ = 0, width_ = 0;
  double before_ = 0;   // integral from origin_ to time of day zero
  double from_origin(double time_s) const;
};

}  // namespace weft::workloads::inference
