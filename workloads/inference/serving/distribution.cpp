#include "workloads/inference/serving/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weft::workloads::inference::serving {
namespace {

// Values of one number are a thousandth apart at most, and stand for the one in the middle.
const double kStep = std::log(1.001);
constexpr std::int32_t kZero = std::numeric_limits<std::int32_t>::min();

}  // namespace

void Distribution::sketch(double value, std::uint64_t times) {
  sketch_[value > 0 ? static_cast<std::int32_t>(std::floor(std::log(value) / kStep)) : kZero] += times;
}

void Distribution::add(double value, std::uint64_t times) {
  if (times == 0) return;
  value = std::max(0.0, value);   // a difference of two times may lie a rounding below zero
  count_ += times;
  sum_ += value * static_cast<double>(times);
  largest_ = std::max(largest_, value);
  if (sketch_.empty() && single_.size() + several_.size() < exact_) {
    if (times == 1) return single_.push_back(static_cast<float>(value));
    if (times <= std::numeric_limits<std::uint32_t>::max()) return several_.push_back({static_cast<float>(value), static_cast<std::uint32_t>(times)});
  }
  for (const float v : single_) sketch(v, 1);
  for (const Value& v : several_) sketch(v.value, v.times);
  single_ = {};
  several_ = {};
  sketch(value, times);
}

double Distribution::quantile(double part) const {
  if (count_ == 0) return 0;
  const auto due = static_cast<std::uint64_t>(std::max(1.0, std::ceil(part * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (const auto& [number, times] : sketch_) {
    if ((seen += times) >= due) return number == kZero ? 0 : std::exp((number + 0.5) * kStep);
  }
  std::sort(single_.begin(), single_.end());
  std::sort(several_.begin(), several_.end(), [](const Value& a, const Value& b) { return a.value < b.value; });
  std::size_t one = 0, many = 0;
  while (one < single_.size() || many < several_.size()) {
    const bool single = many == several_.size() || (one < single_.size() && single_[one] <= several_[many].value);
    const float value = single ? single_[one] : several_[many].value;
    seen += single ? 1 : several_[many].times;
    ++(single ? one : many);
    if (seen >= due) return value;
  }
  return largest_;
}

}  // namespace weft::workloads::inference::serving
