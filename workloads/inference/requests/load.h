// RequestLoad: what a stream of requests asks for, counted: totals, lengths, rates by interval and at the busiest time.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/inference/requests/request.h"

namespace weft::workloads::inference {

/// Tokens and requests of some time.
struct RequestCount {
  std::uint64_t requests = 0, prompt = 0, cached = 0, output = 0;   ///< `cached` of the `prompt` tokens stand in the prefix cache
};

/// How many requests have which length, exactly.
class LengthCounts {
 public:
  void add(std::uint32_t tokens);
  /// The least length that at least this part of the requests do not exceed; zero when there are none.
  std::uint32_t quantile(double part) const;
  std::uint32_t largest() const { return counts_.empty() ? 0 : static_cast<std::uint32_t>(counts_.size() - 1); }

 private:
  std::vector<std::uint64_t> counts_;   // by length
  std::uint64_t all_ = 0;
};

struct RequestLoad {
  RequestCount all;
  Seconds first, last;                    ///< arrivals
  LengthCounts prompt, output;
  double kv_tokens = 0;                   ///< summed over output tokens: those in the cache of its request, P + D / 2 in the mean
  Seconds interval;                       ///< of `intervals`, from time zero on
  std::vector<RequestCount> intervals;    ///< up to the last arrival
  Seconds window;                         ///< of `peak`
  RequestCount peak;                      ///< most requests, prompt and output tokens of a window from a whole multiple of it on; each for itself

  double mean_prompt() const { return all.requests == 0 ? 0 : static_cast<double>(all.prompt) / static_cast<double>(all.requests); }
  double mean_output() const { return all.requests == 0 ? 0 : static_cast<double>(all.output) / static_cast<double>(all.requests); }
  /// Part of the prompts' tokens.
  double hit() const { return all.prompt == 0 ? 0 : static_cast<double>(all.cached) / static_cast<double>(all.prompt); }
  /// Mean tokens in the cache of its request when a token is made.
  double mean_kv() const { return all.output == 0 ? 0 : kv_tokens / static_cast<double>(all.output); }
};

/// Reads the stream to its end. Both times are positive. Throws UserError when there would be more than 100,000 intervals.
RequestLoad load_of(RequestStream& stream, Seconds interval, Seconds window);

}  // namespace weft::workloads::inference
