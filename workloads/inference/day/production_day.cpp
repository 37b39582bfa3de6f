#include "workloads/inference/day/production_day.h"

#include <cmath>

#include <fmt/format.h>

namespace weft::workloads::inference {

Watts NodePower::draw(double gpus, double part, double busy) const {
  const double of_board = idle.value + (1 - idle.value) * part * busy;
  return gpu.value * (gpus * of_board) + rest_of_node.value;
}

TokenRates ProductionDay::mean_rates() const {
  const double seconds = kHoursOfDay * 3600;
  return {input_tokens.value / seconds, output_tokens.value / seconds};
}

std::string ProductionDay::clock(double hour) const {
  const auto minutes = static_cast<std::int64_t>(std::llround((first_hour + hour) * 60));
  return fmt::format("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
}

std::vector<ConstantUsed> constants_of(const ProductionDay& d) {
  std::vector<ConstantUsed> used;
  const auto add = [&](const char* what, std::string value, Origin origin, const std::string& source) {
    if (!source.empty()) used.push_back({fmt::format("day {}: {}", d.name, what), std::move(value), origin, source});
  };
  const auto number = [&](const char* what, const Sourced<double>& s, const char* unit = "") {
    add(what, fmt::format("{:.15g}{}", s.value, unit), s.origin, s.source);
  };
  const auto money = [&](const char* what, const Sourced<Dollars>& s) { add(what, fmt::format("{:g} USD", s.value.value()), s.origin, s.source); };
  const auto watts = [&](const char* what, const Sourced<Watts>& s) { add(what, fmt::format("{:g} W", s.value.value()), s.origin, s.source); };
  add("load", d.requests, d.load.origin, d.load.source);
  number("input_tokens", d.input_tokens);
  number("cached_tokens", d.cached_tokens);
  number("output_tokens", d.output_tokens);
  number("mean_kv", d.mean_kv, " tokens");
  number("user_speed", d.user_speed, " tokens/s");
  number("node_rates, prefill", d.prefill_rate, " tokens/s");
  number("node_rates, decode", d.decode_rate, " tokens/s");
  money("gpu_price, an hour", d.gpu_price);
  money("price of a million cached tokens", d.cached_price);
  money("price of a million input tokens", d.input_price);
  money("price of a million output tokens", d.output_price);
  if (d.nodes) add("nodes", fmt::format("{:g} in the mean", d.nodes->value.mean()), d.nodes->origin, d.nodes->source);
  number("cell, prefill_unit", d.cell.prefill_unit, " nodes");
  number("cell, decode_unit", d.cell.decode_unit, " nodes");
  number("cell, prefill_units", d.cell.prefill_units);
  number("cell, decode_units", d.cell.decode_units);
  number("cell, fixed_prefill_units", d.cell.fixed_prefill_units);
  number("training_gpu_hours", d.training_gpu_hours);
  watts("power of a GPU", d.power.gpu);
  number("power, idle part", d.power.idle);
  number("power, part in prefill", d.power.prefill);
  number("power, part in decode", d.power.decode);
  watts("power of the rest of a node", d.power.rest_of_node);
  return used;
}

}  // namespace weft::workloads::inference
