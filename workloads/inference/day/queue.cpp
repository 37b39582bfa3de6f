#include "workloads/inference/day/queue.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weft::workloads::inference {
namespace {

/// A rate and the capacity that was computed from it differ by rounding alone.
constexpr double kRounding = 1e-12;

}  // namespace

std::vector<OutFlow> FluidQueue::pass(double in, double capacity, double seconds) {
  arrived_ = in * seconds;
  load_ = in / capacity;
  grows_ = load_ > 1 + kRounding;
  if (std::isinf(capacity)) {
    served_ = arrived_;
    busy_s_ = seconds;
    longest_wait_s_ = 0;
    return {{in, seconds}};
  }
  const double before = backlog_, change = in - capacity;
  const double empty_s = before == 0 && change <= 0 ? 0 : change < 0 ? before / -change : std::numeric_limits<double>::infinity();
  const bool stays = empty_s >= seconds;
  const double full_s = stays ? seconds : empty_s;
  backlog_ = stays ? std::max(0.0, before + change * seconds) : 0;
  const double most = std::max(before, backlog_);
  longest_wait_s_ = most == 0 ? 0 : most / capacity;
  served_ = capacity * full_s + in * (seconds - full_s);
  busy_s_ = full_s + (stays ? 0 : (seconds - full_s) * in / capacity);
  std::vector<OutFlow> out;
  if (full_s > 0) out.push_back({capacity, full_s});
  if (full_s < seconds) out.push_back({in, seconds - full_s});
  return out;
}

}  // namespace weft::workloads::inference
