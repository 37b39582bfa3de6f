// Samples are states of a server at regular times, of which every second one is dropped when they become too many.
#pragma once

#include <cstdint>
#include <vector>

namespace weft::workloads::inference::serving {

/// What has happened up to a time, and what waits then. Busy times are summed over units.
struct ServerState {
  double time = 0;                          ///< seconds
  std::uint64_t arrivals = 0; ///< requests
  std::uint64_t prefilled = 0;              ///< prompts that were computed to their end
  double prompt_tokens = 0, cached_tokens = 0;     ///< of these: all, and those from the prefix cache
  double computed_tokens = 0;               ///< of contexts: prompts without cached tokens, and what was computed again after a preemption
  std::uint64_t output_tokens = 0, finished = 0;
  std::uint64_t waiting_prefill = 0, waiting_decode = 0;   ///< requests, now
  std::uint64_t decoding = 0;               ///< requests, now
  double kv_time = 0;                       ///< part of decode's memory that is taken, integrated over time
  double prefill_busy = 0, decode_busy = 0; ///< unit seconds
};

class Samples {
 public:
  Samples(double every, std::size_t most) : every_(every), most_(most) {}
  /// When the next state is due.
  double next() const { return every_ * static_cast<double>(all_.size()); }
  double every() const { return every_; }
  const std::vector<ServerState>& all() const { return all_; }

  /// The state at next().
  void add(const ServerState& s) {
    all_.push_back(s);
    if (all_.size() < most_) return;
    for (std::size_t i = 0; 2 * i < all_.size(); ++i) all_[i] = all_[2 * i];
    all_.resize((all_.size() + 1) / 2);
    every_ *= 2;
  }

 private:
  double every_;
  std::size_t most_;
  std::vector<ServerState> all_;
};

}  // namespace weft::workloads::inference::serving
