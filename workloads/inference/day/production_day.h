// A ProductionDay is what a service was asked for and paid in a day, in aggregate: load by hour, tokens, prices, nodes; from data files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/row.h"
#include "sim/core/units.h"
#include "workloads/inference/day/cells.h"
#include "workloads/inference/day/step_curve.h"
#include "workloads/inference/requests/request_day.h"

namespace weft::workloads::inference {

/// What a node draws: GPUs idle at a part of their board power, and draw a part of the rest while they work; the rest of the node always.
struct NodePower {
  std::string name;
  Sourced<Watts> gpu;              ///< board power
  Sourced<double> idle;            ///< part of it without work
  Sourced<double> prefill, decode; ///< part of what lies above idle, while they work
  Sourced<Watts> rest_of_node;

  /// Of a node of `gpus`, which work in `busy` of the time with `part` of what lies above idle.
  Watts draw(double gpus, double part, double busy) const;
};

struct ProductionDay {
  std::string name, title;
  std::string requests;                   ///< name of the day of requests that its tokens and load are those of
  double first_hour = 0;                  ///< by the clock, at which the day begins
  Sourced<StepCurve> load;                ///< only its shape counts
  Sourced<double> input_tokens, cached_tokens, output_tokens;   ///< in the day; cached ones are among the input
  Sourced<double> mean_kv;                ///< tokens in the cache when an output token is computed, mean
  Sourced<double> user_speed;             ///< output tokens a second that a user sees
  Sourced<double> prefill_rate, decode_rate;   ///< published day averages, tokens a second and node; zero: none
  double gpus_per_node = 8;
  Sourced<Dollars> gpu_price;             ///< for an hour
  Sourced<Dollars> cached_price, input_price, output_price;     ///< for a million tokens
  std::optional<Sourced<StepCurve>> nodes;   ///< allocated, over the day; nothing: it is to follow the load
  Cell cell;
  Sourced<double> training_gpu_hours;     ///< to train on a trillion tokens
  NodePower power;

  double cached_share() const { return cached_tokens.value / input_tokens.value; }
  RequestLengths lengths() const { return lengths_of(input_tokens.value, output_tokens.value, mean_kv.value); }
  /// Mean tokens a second over the day.
  TokenRates mean_rates() const;
  /// By the clock, "03:00", so many hours after the day began.
  std::string clock(double hour) const;
};

/// `where` is the workload with "day": a name (models/data/production_days), a path or an object; without it deepseek_day6. Tokens, mean_kv and load
/// are those of its day of requests (models/data/request_days) where it does not give them itself. Each key of a day may stand in the workload: it then
/// takes the place of the day's. Problems are recorded; then the day must not be used.
ProductionDay read_production_day(JsonReader& where, const DataPlaces& data);
std::vector<ColumnDoc> day_parameter_docs();
std::vector<ConstantUsed> constants_of(const ProductionDay& day);
/// Its keys as they came to, without their origins.
Json resolved_day(const ProductionDay& day);

}  // namespace weft::workloads::inference
