#include "models/calibration/measure/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/calibration/errors.h"

namespace weft::models {
namespace {

double total(const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

}  // namespace

bool median_is_stable(const std::vector<double>& times_us, const SamplingRule& rule) {
  const std::size_t n = times_us.size();
  if (n < static_cast<std::size_t>(std::max(rule.least, 8))) return false;
  std::vector<double> all = times_us;
  std::sort(all.begin(), all.end());
  const double half = 0.98 * std::sqrt(static_cast<double>(n));   // 1.96 / 2 sqrt(n): the normal limit of the binomial
  const auto low = static_cast<std::size_t>(std::max(0.0, std::floor(static_cast<double>(n) / 2 - half)));
  const std::size_t high = std::min(n - 1, static_cast<std::size_t>(std::ceil(static_cast<double>(n) / 2 + half)));
  const double median = quantile(all, 0.5);
  if (all[high] - all[low] > rule.width * median) return false;
  const auto middle = times_us.begin() + static_cast<std::ptrdiff_t>(n / 2);
  const double first = quantile({times_us.begin(), middle}, 0.5), second = quantile({middle, times_us.end()}, 0.5);
  return std::abs(first - second) <= rule.width * median;
}

Sampled sample(const std::function<void(int, std::vector<double>&)>& run, const SamplingRule& rule) {
  std::vector<double> warm;
  while (static_cast<int>(warm.size()) < rule.warm_up ||
         (total(warm) < rule.warm_up_us && static_cast<int>(warm.size()) < rule.warm_up_most)) {
    run(std::min(rule.warm_up, rule.warm_up_most), warm);
  }
  Sampled s;
  // Kernels of a second are sampled one by one, so that the cap on time holds.
  const double expected = quantile(warm, 0.5);
  const int batch = std::clamp(static_cast<int>(rule.most_us / 10 / expected), 1, rule.batch);
  while (!s.stable && static_cast<int>(s.times_us.size()) < rule.most && total(s.times_us) < rule.most_us) {
    run(std::min(batch, rule.most - static_cast<int>(s.times_us.size())), s.times_us);
    s.stable = median_is_stable(s.times_us, rule);
  }
  s.median_us = quantile(s.times_us, 0.5);
  s.p5_us = quantile(s.times_us, 0.05);
  s.p95_us = quantile(s.times_us, 0.95);
  return s;
}

}  // namespace weft::models
