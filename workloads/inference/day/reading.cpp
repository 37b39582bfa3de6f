#include "workloads/inference/day/reading.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/sourced_number.h"

namespace weft::workloads::inference {
namespace {

/// Reads what an object with an origin wraps, or the bare thing.
template <class T, class Read>
Sourced<T> sourced(JsonReader where, Read read) {
  Sourced<T> s;
  if (!where.is_object() || !where.has("value")) {
    s.source = "given in " + where.file();
    s.value = read(where);
    return s;
  }
  s.origin = read_origin(where);
  s.source = where.string("source");
  where.string("unit", "");
  s.value = read(where.at("value"));
  where.done();
  return s;
}

void check_edges(const JsonReader& where, const StepCurve& c) {
  if (c.edges_h.size() != c.levels.size() + 1) {
    where.fail(fmt::format("{} edges bound {} steps, but there are {} levels", c.edges_h.size(), c.edges_h.empty() ? 0 : c.edges_h.size() - 1, c.levels.size()),
               "edges are one more than levels: they end at 24");
    return;
  }
  for (std::size_t i = 1; i < c.edges_h.size(); ++i) {
    if (c.edges_h[i] > c.edges_h[i - 1]) continue;
    where.fail_at(std::to_string(i), fmt::format("edges rise, but {:g} follows {:g}", c.edges_h[i], c.edges_h[i - 1]), "hours after the day began, sorted");
    return;
  }
  if (c.edges_h.front() != 0 || c.edges_h.back() != kHoursOfDay) {
    where.fail(fmt::format("a day goes from 0 to 24 hours, these steps from {:g} to {:g}", c.edges_h.front(), c.edges_h.back()));
  }
}

}  // namespace

Sourced<double> read_number(JsonReader where, double min, double max) {
  return sourced<double>(where, [&](const JsonReader& r) { return r.as_number(min, max); });
}

Sourced<std::vector<double>> read_numbers(JsonReader where, double min, double max) {
  return sourced<std::vector<double>>(where, [&](const JsonReader& r) {
    std::vector<double> numbers;
    if (!r.is_array()) r.fail("expected a list of numbers");
    for (const JsonReader& item : r.items()) numbers.push_back(item.as_number(min, max));
    if (r.is_array() && numbers.empty()) r.fail("the list is empty");
    return numbers;
  });
}

Sourced<StepCurve> read_step_curve(JsonReader where, const std::string& levels, double min, double max) {
  Sourced<StepCurve> curve;
  const std::size_t before = where.problems().list().size();
  const bool with_edges = where.is_object() && where.has("edges_h");
  Sourced<std::vector<double>> read = read_numbers(with_edges ? where.at(levels) : where, min, max);
  curve.origin = read.origin;
  curve.source = read.source;
  if (with_edges) {
    JsonReader edges = where.at("edges_h");
    curve.value = {read_numbers(edges, 0, kHoursOfDay).value, std::move(read.value)};
    if (where.problems().list().size() == before) check_edges(edges, curve.value);
    where.done();
  } else if (where.problems().list().size() == before) {
    curve.value = equal_steps(std::move(read.value));
  }
  return curve;
}

}  // namespace weft::workloads::inference
