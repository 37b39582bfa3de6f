// Shared by the tests of requests: sources from text, all requests of a stream, traces in scratch files.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/core/files.h"
#include "workloads/inference/requests/source.h"

namespace weft::test {

using namespace workloads::inference;

/// The keys of one object; throws the problems.
inline std::unique_ptr<RequestSource> source_of(const std::string& keys, std::uint32_t max_context = 0) {
  static const DataPlaces data = DataPlaces::standard();
  const Json object = parse_json("{" + keys + "}", "test.json");
  Problems problems;
  RequestContext context;
  context.data = &data;
  context.max_context = max_context;
  auto source = requests_from(JsonReader(object, "test.json", problems), context);
  problems.throw_if_any();
  return source;
}

inline std::vector<Request> all_of(RequestStream& stream) {
  std::vector<Request> all;
  for (Request r; stream.next(r);) all.push_back(r);
  return all;
}

inline std::vector<Request> requests_of(const std::string& keys, std::uint64_t seed = 1, std::uint32_t max_context = 0) {
  return all_of(*source_of(keys, max_context)->open(seed));
}

/// The words of the UserError that reading all requests ends in; empty when it does not.
inline std::string problem_of(const std::string& keys, std::uint32_t max_context = 0) {
  try {
    requests_of(keys, 1, max_context);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

template <class Get>
double mean_of(const std::vector<Request>& all, Get get) {
  double sum = 0;
  for (const Request& r : all) sum += get(r);
  return sum / static_cast<double>(all.size());
}

/// Whether a mean over n lies within five standard errors of what it should be.
inline bool near(double mean, double expected, double deviation, double n) { return std::abs(mean - expected) <= 5 * deviation / std::sqrt(n); }

}  // namespace weft::test
