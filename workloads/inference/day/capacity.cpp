#include "workloads/inference/day/capacity.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::inference {
namespace {

/// Halvings of a span of batches: down to a millionth of a request.
constexpr int kHalvings = 30;
/// Batches between which a rate or a speed is looked for. Steps grow by whole tiles of kernels, so that both may dip: the first part that reaches a rate
/// counts, and the last that reaches a speed.
constexpr int kParts = 16;
/// Of a speed, so that the batch that just gives it counts.
constexpr double kRounding = 1e-9;

/// The high end of what is left of a span after its halvings, where `holds` is false at the low end and true at the high one.
template <class Holds>
double narrowed(double low, double high, Holds holds) {
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (holds(middle) ? high : low) = middle;
  }
  return high;
}

/// A whole number, the last before one for which `holds` is false; it is true at the low end and false at the high one, both whole.
template <class Holds>
double last_whole(double low, double high, Holds holds) {
  while (high - low > 1) {
    const double middle = std::floor((low + high) / 2);
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

DecodeRates::DecodeRates(TimedUnit unit, double kv_tokens, double tokens_a_step)
    : unit_(std::move(unit)), kv_tokens_(kv_tokens), tokens_a_step_(tokens_a_step), most_(unit_.unit.kv_tokens / kv_tokens) {
  if (most_ < 1) {
    throw UserError("/decode", fmt::format("the cache of a group holds {:.0f} tokens, less than one request of {:.0f}", unit_.unit.kv_tokens, kv_tokens),
                    "a unit of more GPUs, or shorter requests");
  }
}

double DecodeRates::groups_per_node() const { return static_cast<double>(unit_.unit.groups) / unit_.unit.nodes; }

DecodePoint DecodeRates::at(double requests) const {
  DecodePoint p;
  p.requests = requests;
  p.step = unit_.times->decode({requests, requests * kv_tokens_});
  p.user_speed = tokens_a_step_ / p.step.value();
  p.group_rate = requests * p.user_speed;
  p.node_rate = p.group_rate * groups_per_node();
  p.kv = unit_.unit.kv_per_token * (requests * kv_tokens_);
  return p;
}

std::optional<DecodePoint> DecodeRates::at_rate(double node_rate) const {
  const auto reaches = [&](double requests) { return at(requests).node_rate >= node_rate; };
  for (int i = 1; i <= kParts; ++i) {
    const double high = most_ * i / kParts;
    if (reaches(high)) return at(narrowed(most_ * (i - 1) / kParts, high, reaches));
  }
  return std::nullopt;
}

std::optional<DecodePoint> DecodeRates::at_speed(double user_speed) const {
  const auto fast = [&](double requests) { return at(requests).user_speed >= user_speed * (1 - kRounding); };
  if (!fast(1)) return std::nullopt;
  if (fast(most_)) return full();
  double high = std::ceil(most_);
  for (int i = kParts - 1; i > 0; --i) {
    const double low = std::max(1.0, std::floor(most_ * i / kParts));
    if (fast(low)) return at(last_whole(low, high, fast));
    high = low;
  }
  return at(last_whole(1, high, fast));
}

PrefillLoad prefill_load(const PromptMix& mix) {
  const double cached = mix.prompt * mix.cached_share, fresh = mix.prompt - cached;
  PrefillLoad load;
  load.tokens = mix.tokens_a_pass;
  load.prompts = mix.tokens_a_pass / fresh;
  load.cached = load.prompts * cached;
  load.pairs = load.prompts * (fresh * cached + fresh * (fresh + 1) / 2);
  return load;
}

PrefillPoint prefill_rates(const TimedUnit& unit, const PromptMix& mix) {
  const PrefillLoad load = prefill_load(mix);
  PrefillPoint p;
  p.pass = unit.times->prefill(load);
  p.prompts = load.prompts;
  p.computed_rate = load.tokens * unit.unit.groups / unit.unit.nodes / p.pass.value();
  p.node_rate = p.computed_rate / (1 - mix.cached_share);
  return p;
}

}  // namespace weft::workloads::inference
