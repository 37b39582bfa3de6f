// Sampling: how often a kernel is run until its median is known well enough.
#pragma once

#include <functional>
#include <vector>

namespace weft::models {

/// The rule. The median is stable when (1) there are `least` samples, (2) the 95 % confidence interval of the median, taken
/// from the order of the samples alone (ranks n/2 -+ 0.98 sqrt(n): Conover, Practical Nonparametric Statistics, 3.2), is at most `width` of the median wide, and
/// (3) the medians of the first and the second half differ by at most `width` (nothing drifts).
struct SamplingRule {
  int warm_up = 10;             ///< runs thrown away, at least
  double warm_up_us = 20e3;     ///< ... and until they took this long together
  int warm_up_most = 200;       ///< ... but no more than these
  int batch = 20;               ///< samples between two looks
  int least = 40;
  int most = 1000;              ///< cap: then the line says "stable": false
  double most_us = 3e6;         ///< cap on the time of all samples together
  double width = 0.02;
};

struct Sampled {
  std::vector<double> times_us;   ///< as they came
  double median_us = 0, p5_us = 0, p95_us = 0;
  bool stable = false;
};

/// (1) to (3) of the rule for samples as they came.
bool median_is_stable(const std::vector<double>& times_us, const SamplingRule& rule);

/// Runs `run(samples, into)` (it appends as many times) by the rule.
Sampled sample(const std::function<void(int samples, std::vector<double>& into)>& run, const SamplingRule& rule);

}  // namespace weft::models
