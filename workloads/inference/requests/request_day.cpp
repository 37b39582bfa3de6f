#include "workloads/inference/requests/request_day.h"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"
#include "sim/core/sourced_number.h"

namespace weft::workloads::inference {
namespace {

/// {"value", "origin", "source"}; the value is the caller's.
template <class T>
JsonReader read_sourced(JsonReader r, Sourced<T>& s) {
  s.origin = read_origin(r);
  s.source = r.string("source");
  JsonReader value = r.at("value");
  r.done();
  return value;
}

void read_curve(JsonReader r, RequestDay& day) {
  const std::size_t before = r.problems().list().size();
  day.period = r.sourced<Seconds>("period");
  day.first = r.sourced<Seconds>("first", Origin::assumed, false);
  const JsonReader rates = read_sourced(r.at("rates"), day.rates);
  double sum = 0;
  for (const JsonReader& item : rates.items()) {
    day.rates.value.push_back(item.as_number(0, 1e18));
    sum += day.rates.value.back();
  }
  if (sum <= 0 && r.problems().list().size() == before) rates.fail("expected rates, of which one at least is above zero");
  r.done();
}

}  // namespace

RequestLengths lengths_of(double input, double output, double kv) {
  RequestLengths l;
  l.prompt = kv / (1 + output / (2 * input));
  l.output = l.prompt * output / input;
  l.requests = output / l.output;
  return l;
}

RequestDay read_request_day(JsonReader where, const DataPlaces& data) {
  RequestDay day;
  auto found = read_named_object(where, data, "models/data/request_days", "a day of requests");
  if (!found) return day;
  JsonReader& r = found->reader;
  day.name = found->name;
  r.string("title", day.name);
  day.input.value = read_sourced(r.at("input_tokens"), day.input).as_number(1, 1e18);
  day.cached.value = read_sourced(r.at("cached_tokens"), day.cached).as_number(0, 1e18);
  day.output.value = read_sourced(r.at("output_tokens"), day.output).as_number(1, 1e18);
  day.kv.value = read_sourced(r.at("kv_per_output_token"), day.kv).as_number(1, 1e9);
  if (day.cached.value >= day.input.value && day.input.value > 0) r.fail_at("cached_tokens", "expected fewer than the input tokens");
  read_curve(r.at("curve"), day);
  r.done();
  return day;
}

std::vector<ConstantUsed> length_constants(const RequestDay& day) {
  const auto named = [&](const char* what, const Sourced<double>& s) {
    return ConstantUsed{fmt::format("day {}: {}", day.name, what), fmt::format("{:.0f}", s.value), s.origin, s.source};
  };
  return {named("input_tokens", day.input), named("cached_tokens", day.cached), named("output_tokens", day.output),
          named("kv_per_output_token", day.kv)};
}

std::vector<ConstantUsed> curve_constants(const RequestDay& day) {
  return {{fmt::format("day {}: rates", day.name), fmt::format("{}", fmt::join(day.rates.value, ", ")), day.rates.origin, day.rates.source}};
}

}  // namespace weft::workloads::inference
