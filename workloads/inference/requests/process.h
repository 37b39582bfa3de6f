// A request process draws requests from distributions: when they come, how long they are, which go on with an earlier one.
#pragma once

#include <cstdint>
#include <memory>

#include "workloads/inference/requests/lengths.h"
#include "workloads/inference/requests/prompts.h"
#include "workloads/inference/requests/rate_curve.h"

namespace weft::workloads::inference {

struct ProcessSpec {
  enum class Gaps { even, exponential, gamma };
  Gaps gaps = Gaps::exponential;
  double cv = 1;                 ///< gamma: standard deviation of the time between requests over its mean
  RateCurve curve;               ///< gaps are stretched so that their rate follows it
  Seconds from;                  ///< time of day at time zero
  double mean_rate = 1;          ///< a second, over a period of the curve
  Seconds duration;              ///< no request comes later
  Lengths prompt, output;
  double continues = 0;          ///< part of the requests that go on with an earlier one: its prompt and answer stand before theirs
  std::uint64_t turn_lag = 1;    ///< how many requests ago that was, in the mean: 1 to twice as many, evenly

  /// Mean number of requests.
  double expected() const { return mean_rate * (curve.amount(from.value() + duration.value()) - curve.amount(from.value())); }
};

/// Request number i depends on the seed and on i, but for its arrival, which is the sum of the gaps up to it.
std::unique_ptr<PromptStream> process_prompts(const ProcessSpec& spec, std::uint64_t seed);

}  // namespace weft::workloads::inference
