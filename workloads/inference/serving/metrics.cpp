#include "workloads/inference/serving/metrics.h"

#include <algorithm>
#include <cmath>

namespace weft::workloads::inference::serving {
namespace {

constexpr std::size_t kMostRows = 1500;        // a day by the minute
constexpr std::size_t kFineSamples = 1024;
constexpr double kFirstFineStep = 1e-3;        // seconds; doubled as the run goes on

}  // namespace

ServingMetrics::ServingMetrics(const ServingSetup& s)
    : slo_(s.slo), warm_up_(s.warm_up.value()), prefill_units_(s.prefill.units), decode_units_(s.decode.units),
      prefill_nodes_(static_cast<double>(s.prefill.nodes())), decode_nodes_(static_cast<double>(s.decode.nodes())), rows_(s.every.value(), kMostRows),
      fine_(kFirstFineStep, kFineSamples) {}

void ServingMetrics::finish(const LiveRequest& r, double now) {
  const double first = r.first_token - r.arrival;
  const double each = r.output > 1 ? (now - r.first_token) / (r.output - 1) : 0;
  if (!r.counted) return;
  ++counted;
  ttft.add(first);
  if (r.output > 1) tpot.add(each);
  e2e.add(now - r.arrival);
  const bool well = (!slo_.ttft || first <= slo_.ttft->value()) && (!slo_.tpot || each <= slo_.tpot->value());
  if (!well) return;
  ++good;
  good_tokens += r.output;
}

void ServingMetrics::plan_next() {
  next_ = std::min(rows_.next(), fine_.next());
  if (!begin_) next_ = std::min(next_, warm_up_);
  if (window_end_ && !close_) next_ = std::min(next_, *window_end_);
}

void ServingMetrics::tell(const ServerState& s) {
  if (s.time >= rows_.next()) rows_.add(s);
  if (s.time >= fine_.next()) fine_.add(s);
  if (!begin_ && s.time >= warm_up_) begin_ = s;
  if (window_end_ && !close_ && s.time >= *window_end_) close_ = s;
  plan_next();
}

void ServingMetrics::close(double time) {
  window_end_ = time;
  plan_next();
}

void ServingMetrics::end(const ServerState& s) {
  last_ = s;
  if (!begin_) begin_ = s;
  // All at once, or nothing after the warm-up: then the whole run is looked at.
  if (!close_ || close_->time <= begin_->time) close_ = s;
}

std::optional<Overload> ServingMetrics::overload() const {
  if (!window_end_) return std::nullopt;
  std::vector<ServerState> half;               // samples of the second half of the arrivals
  for (const ServerState& s : fine_.all()) {
    if (s.time >= *window_end_ / 2 && s.time <= *window_end_) half.push_back(s);
  }
  if (half.size() < 16) return std::nullopt;
  const auto waiting = [](const ServerState& s) { return static_cast<double>(s.waiting_prefill + s.waiting_decode); };
  const std::size_t quarter = half.size() / 4;
  double before = -1;
  for (std::size_t q = 0; q < 4; ++q) {        // grows from quarter to quarter
    double sum = 0;
    for (std::size_t i = q * quarter; i < (q + 1) * quarter; ++i) sum += waiting(half[i]);
    if (sum <= before) return std::nullopt;
    before = sum;
  }
  // And by more than a queue in balance can by chance: arrivals that are independent vary by the root of their number.
  const double arrivals = static_cast<double>(half.back().arrivals - half.front().arrivals);
  if (waiting(half.back()) - waiting(half.front()) <= 0.02 * arrivals + 4 * std::sqrt(arrivals)) return std::nullopt;

  Overload o;
  const bool decode = std::all_of(half.end() - static_cast<std::ptrdiff_t>(quarter), half.end(), [](const ServerState& s) { return s.waiting_decode > 0; });
  o.stage = decode ? "decode" : "prefill";
  const double seconds = half.back().time - half.front().time;
  o.offered = arrivals / seconds;
  o.sustained = static_cast<double>(decode ? half.back().finished - half.front().finished : half.back().prefilled - half.front().prefilled) / seconds;
  o.waiting = half.back().waiting_prefill + half.back().waiting_decode;
  for (const ServerState& s : fine_.all()) {
    if (s.time <= *window_end_ && waiting(s) <= 0.02 * static_cast<double>(o.waiting)) o.since = s.time;
  }
  return o;
}

}  // namespace weft::workloads::inference::serving
