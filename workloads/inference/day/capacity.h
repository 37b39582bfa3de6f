// What prefill and decode nodes can do, from the step times of their units: tokens a second by what their GPUs hold.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "workloads/inference/step_times.h"

namespace weft::workloads::inference {

/// A kind of unit together with how long its passes or steps take.
struct TimedUnit {
  Unit unit;
  std::shared_ptr<const StepTimes> times;
};

/// A state of a decode unit. A group is what has a batch of its own: a GPU, or the GPUs that share its attention.
struct DecodePoint {
  double requests = 0;            ///< of a group
  Seconds step;
  double user_speed = 0;          ///< tokens a second of a request
  double group_rate = 0, node_rate = 0;   ///< output tokens a second
  Bytes kv;                       ///< of a group
};

/// A decode unit over its batch. Every question asks the unit's StepTimes anew, some of them dozens of times: they should remember.
class DecodeRates {
 public:
  /// Every request has `kv_tokens` in the cache. Throws UserError (place /decode) when not even one request fits.
  DecodeRates(TimedUnit unit, double kv_tokens, double tokens_a_step);

  double most_requests() const { return most_; }          ///< of a group, by its cache
  double groups_per_node() const;
  DecodePoint at(double requests) const;                  ///< above 0; beyond most_requests() as if there were room
  DecodePoint full() const { return at(most_); }
  /// The fewest requests with which a node gives this rate; nothing when it cannot.
  std::optional<DecodePoint> at_rate(double node_rate) const;
  /// The most requests, a whole number, at which a user still sees this speed, or most_requests(); nothing when one alone is slower.
  std::optional<DecodePoint> at_speed(double user_speed) const;

 private:
  TimedUnit unit_;
  double kv_tokens_, tokens_a_step_, most_;
};

/// What prompts look like to prefill: all alike, `cached` of each prompt's tokens in the prefix cache.
struct PromptMix {
  double prompt = 0;         ///< tokens
  double cached_share = 0;   ///< below 1
  double tokens_a_pass = 0;  ///< new ones on a GPU, of all its micro-batches
};

struct PrefillPoint {
  Seconds pass;
  double prompts = 0;                           ///< of a group in a pass
  double node_rate = 0, computed_rate = 0;      ///< tokens a second and node: all of the prompts; those that are computed
};

/// The load of a group in one pass. A suffix of n tokens after c cached ones has n c + n (n + 1) / 2 pairs.
PrefillLoad prefill_load(const PromptMix& mix);
PrefillPoint prefill_rates(const TimedUnit& unit, const PromptMix& mix);

}  // namespace weft::workloads::inference
