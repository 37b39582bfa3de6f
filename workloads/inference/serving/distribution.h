// A Distribution keeps values of which percentiles are asked later: each one up to a number of them, then how many lie where.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace weft::workloads::inference::serving {

/// Values are not negative. The mean is of all values in the order in which they came. Percentiles are exact (to the 24 bits in which a value
/// is kept) up to `exact` values, beyond that within 0.05 %.
class Distribution {
 public:
  explicit Distribution(std::size_t exact = 10'000'000) : exact_(exact) {}
  /// `times` values that are equal.
  void add(double value, std::uint64_t times = 1);
  std::uint64_t count() const { return count_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  double largest() const { return largest_; }
  /// The least value that at least this part of them do not exceed; zero when there are none.
  double quantile(double part) const;

 private:
  struct Value {
    float value;
    std::uint32_t times;
  };
  void sketch(double value, std::uint64_t times);

  std::size_t exact_;
  mutable std::vector<float> single_;          // values that came once
  mutable std::vector<Value> several_;
  std::map<std::int32_t, std::uint64_t> sketch_;   // times by logarithm; used once the others are full
  std::uint64_t count_ = 0;
  double sum_ = 0, largest_ = 0;
};

}  // namespace weft::workloads::inference::serving
