// Reading numbers that carry no unit of ours (tokens, tokens a second, shares) together with where they come from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "workloads/inference/day/step_curve.h"

namespace weft::workloads::inference {

/// A bare number, which is the user's assumption, or {"value": 168e9, "origin": "published", "source": "..."}.
Sourced<double> read_number(JsonReader where, double min, double max);
/// The same of a list of numbers.
Sourced<std::vector<double>> read_numbers(JsonReader where, double min, double max);
/// {"edges_h": [0, ..., 24], <levels>: [...]}, or the levels alone, which then are of equal length.
/// Problems: no levels, edges that do not rise, do not begin at 0 or do not end at 24, or are not one more than the levels.
Sourced<StepCurve> read_step_curve(JsonReader where, const std::string& levels, double min, double max);

}  // namespace weft::workloads::inference
