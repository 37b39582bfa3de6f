// ServingMetrics: what a served stream of requests came to: latencies, rates, use of the units, queues over time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/row.h"
#include "workloads/inference/serving/distribution.h"
#include "workloads/inference/serving/live_request.h"
#include "workloads/inference/serving/samples.h"
#include "workloads/inference/serving/setup.h"

namespace weft::workloads::inference::serving {

/// A mean over time, or over whatever the weights are.
struct WeightedMean {
  double sum = 0, weight = 0;
  void add(double value, double w) {
    sum += value * w;
    weight += w;
  }
  double mean() const { return weight > 0 ? sum / weight : 0; }
};

/// Queues that grow as long as requests come.
struct Overload {
  std::string stage;                 ///< that cannot keep up: "prefill" or "decode"
  double since = 0;                  ///< seconds: from here on its queue never was short again
  double offered = 0, sustained = 0; ///< requests a second, in the second half of the arrivals
  std::uint64_t waiting = 0;         ///< requests when the last had come
};

class ServingMetrics {
 public:
  explicit ServingMetrics(const ServingSetup& setup);

  // Of requests that came after the warm-up, as they end. Seconds.
  Distribution ttft, tpot, itl, e2e, queue, cache_read, transfer, decode_wait;
  std::uint64_t came = 0, counted = 0;        ///< after the warm-up: all; those that have ended
  std::uint64_t good = 0, good_tokens = 0;    ///< of these
  // Of the whole run: with those that finish they are all that came.
  std::uint64_t turned_away = 0, refused = 0, unfinished = 0, preemptions = 0;
  // Of passes and steps that begin while measuring(), weighted with their time.
  WeightedMean prefill_imbalance, kv_imbalance, request_imbalance, batch, pass_tokens;
  double steps = 0, request_steps = 0, step_tokens = 0, passes = 0;
  std::vector<std::string> stream_warnings;   ///< what the stream of requests told
  double kv_peak = 0;                ///< largest part of decode's memory taken
  double largest_batch = 0;          ///< requests of one group

  /// A request has ended at `now`.
  void finish(const LiveRequest& r, double now);

  /// When it wants to be told of the state next; tell() takes the state at that time.
  double next() const { return next_; }
  void tell(const ServerState& s);
  /// All requests have come, or those that count.
  void close(double time);
  /// In the time over which rates are counted: from the end of the warm-up to the last arrival, or to the end when all come at once.
  bool measuring() const { return begin_ && (!close_ || close_->time <= begin_->time); }
  /// The run is over.
  void end(const ServerState& s);

  std::optional<Overload> overload() const;
  Row summary() const;
  std::vector<Row> series() const;
  std::vector<std::string> warnings() const;

 private:
  void plan_next();
  void add_rates(Row& row) const;
  void add_goodput(Row& row) const;

  // What it needs of the setup.
  Slo slo_;
  double warm_up_;
  double prefill_units_, decode_units_, prefill_nodes_, decode_nodes_;

  Samples rows_, fine_;              // for the series; for overload
  std::optional<ServerState> begin_, close_;   // of the window over which rates are counted
  std::optional<double> window_end_;
  ServerState last_;
  double next_ = 0;
};

std::vector<ColumnDoc> serving_column_docs();

}  // namespace weft::workloads::inference::serving
