#include "workloads/inference/requests/process.h"

#include <algorithm>
#include <cmath>

#include <boost/random/gamma_distribution.hpp>
#include <fmt/format.h>

namespace weft::workloads::inference {
namespace {

class ProcessPrompts final : public PromptStream {
 public:
  ProcessPrompts(const ProcessSpec& spec, std::uint64_t seed)
      : spec_(spec), seed_(seed), before_(spec.curve.amount(spec.from.value())), end_(spec.expected()),
        gamma_(1 / (spec.cv * spec.cv), spec.cv * spec.cv), begun_(1 + gamma_.alpha(), gamma_.beta()) {}

  bool next(Prompt& out) override {
    const std::int64_t i = next_++;
    due_ += gap(i);
    if (!(due_ < end_)) return false;
    const double t = spec_.curve.time_of(before_ + due_ / spec_.mean_rate) - spec_.from.value();
    at_ = std::clamp(t, at_, spec_.duration.value());   // the integral and its inverse agree up to rounding
    out.request.arrival = Seconds(at_);
    out.counts = true;
    fill(i, out);
    return true;
  }

  std::string place() const override { return fmt::format("request {}", next_ - 1); }

 private:
  /// From the request before to this one, in mean gaps. Evenly spaced ones begin at time zero. Time zero lies anywhere in a gamma gap, in a long one
  /// more often than in a short one; what is left of it is an even part of a gap so chosen, whose density is that of a gap times its length:
  /// gamma with one more in the shape. With it the mean number of requests up to any time is that of mean gaps.
  double gap(std::int64_t i) {
    if (spec_.gaps == ProcessSpec::Gaps::even) return i == 0 ? 0 : 1;
    Draws draws(seed_, "requests/gap", static_cast<std::uint64_t>(i));
    if (spec_.gaps == ProcessSpec::Gaps::gamma) {
      if (i > 0) return gamma_(draws);
      const double left = draws.unit();
      return left * begun_(draws);
    }
    return -std::log1p(-draws.unit());
  }

  std::uint32_t length(const Lengths& lengths, const char* name, std::int64_t i) const {
    Draws draws(seed_, name, static_cast<std::uint64_t>(i));
    return lengths.tokens(draws);
  }

  /// The request that this one goes on with, or itself. Numbers below zero are those before time zero.
  std::int64_t earlier(std::int64_t i) const {
    Draws draws(seed_, "requests/turn", static_cast<std::uint64_t>(i));
    if (draws.unit() >= spec_.continues) return i;
    return i - 1 - static_cast<std::int64_t>(draws.below(2 * spec_.turn_lag - 1));
  }

  void fill(std::int64_t i, Prompt& out) {
    turns_.assign(1, i);
    if (spec_.continues > 0) {
      for (std::int64_t j = earlier(i); j != turns_.back(); j = earlier(j)) turns_.push_back(j);
    }
    out.pieces.clear();
    std::uint64_t before = 0;
    for (auto turn = turns_.rbegin(); turn != turns_.rend(); ++turn) {
      const std::uint32_t text = length(spec_.prompt, "requests/prompt", *turn), answer = length(spec_.output, "requests/output", *turn);
      if (*turn == i) {
        out.request.prompt = static_cast<std::uint32_t>(std::min<std::uint64_t>(before + text, longest_length));
        out.request.output = answer;
      }
      out.pieces.push_back({static_cast<std::uint64_t>(*turn), text + answer});
      before += text + answer;
    }
  }

  ProcessSpec spec_;
  std::uint64_t seed_;
  double before_, end_;
  boost::random::gamma_distribution<double> gamma_, begun_;   // of mean 1; one in which time zero lies
  std::int64_t next_ = 0;
  double due_ = 0;   // requests up to now, as a mean over draws
  double at_ = 0;
  std::vector<std::int64_t> turns_;   // this request, the one before it in its conversation, ...
};

}  // namespace

std::unique_ptr<PromptStream> process_prompts(const ProcessSpec& spec, std::uint64_t seed) { return std::make_unique<ProcessPrompts>(spec, seed); }

}  // namespace weft::workloads::inference
