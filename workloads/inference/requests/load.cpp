#include "workloads/inference/requests/load.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::inference {
namespace {

constexpr double kMostIntervals = 100'000;

void add(RequestCount& count, const Request& r) {
  ++count.requests;
  count.prompt += r.prompt;
  count.cached += r.cached;
  count.output += r.output;
}

void take_larger(RequestCount& peak, const RequestCount& count) {
  peak.requests = std::max(peak.requests, count.requests);
  peak.prompt = std::max(peak.prompt, count.prompt);
  peak.cached = std::max(peak.cached, count.cached);
  peak.output = std::max(peak.output, count.output);
}

}  // namespace

void LengthCounts::add(std::uint32_t tokens) {
  if (tokens >= counts_.size()) counts_.resize(std::size_t{tokens} + 1);
  ++counts_[tokens];
  ++all_;
}

std::uint32_t LengthCounts::quantile(double part) const {
  const double due = part * static_cast<double>(all_);
  double seen = 0;
  for (std::size_t length = 0; length < counts_.size(); ++length) {
    seen += static_cast<double>(counts_[length]);
    if (seen >= due && seen > 0) return static_cast<std::uint32_t>(length);
  }
  return 0;
}

RequestLoad load_of(RequestStream& stream, Seconds interval, Seconds window) {
  RequestLoad load;
  load.interval = interval;
  load.window = window;
  RequestCount now;
  double now_is = -1;
  Request r;
  while (stream.next(r)) {
    if (load.all.requests == 0) load.first = r.arrival;
    load.last = r.arrival;
    add(load.all, r);
    load.prompt.add(r.prompt);
    load.output.add(r.output);
    load.kv_tokens += r.output * (r.prompt + 0.5 * r.output);
    const double at = std::floor(r.arrival / interval);
    if (at >= kMostIntervals)
      throw UserError("/interval", fmt::format("there would be more than {:.0f} intervals", kMostIntervals), "take longer ones, or cut the requests with `duration`");
    if (at >= static_cast<double>(load.intervals.size())) load.intervals.resize(static_cast<std::size_t>(at) + 1);
    add(load.intervals[static_cast<std::size_t>(at)], r);
    if (const double w = std::floor(r.arrival / window); w != now_is) {
      now = {};
      now_is = w;
    }
    add(now, r);
    take_larger(load.peak, now);
  }
  return load;
}

}  // namespace weft::workloads::inference
