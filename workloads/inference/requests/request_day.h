// RequestDay: what was published of the requests to a service over a day: lengths, hits of its prefix cache, and the curve.
#pragma once

#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "workloads/inference/requests/rate_curve.h"

namespace weft::workloads::inference {

/// Length of the prompt P and of the answer D of a request, all requests alike, and how many there were.
struct RequestLengths {
  double prompt = 0, output = 0;   ///< tokens
  double requests = 0;             ///< in the time in which input and output came
};

/// From P + D / 2 = `kv`, mean tokens in the cache when an output token is made, and P / D = input / output, tokens of all requests.
RequestLengths lengths_of(double input, double output, double kv);

struct RequestDay {
  std::string name;
  Sourced<double> input, cached, output;   ///< tokens of the day
  Sourced<double> kv;                      ///< mean tokens in the cache when an output token is made
  Sourced<std::vector<double>> rates;      ///< of equal parts of the period
  Sourced<Seconds> period, first;          ///< the first part begins at this time of day

  RequestLengths lengths() const { return lengths_of(input.value, output.value, kv.value); }
  double hit() const { return cached.value / input.value; }
  RateCurve curve(bool linear) const { return {rates.value, linear, period.value, first.value}; }
};

/// A file of models/data/request_days by its name, a path to one, or an object. Problems are recorded.
RequestDay read_request_day(JsonReader where, const DataPlaces& data);

/// The constants of its lengths and hits, or those of its curve.
std::vector<ConstantUsed> length_constants(const RequestDay& day);
std::vector<ConstantUsed> curve_constants(const RequestDay& day);

}  // namespace weft::workloads::inference
