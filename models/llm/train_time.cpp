// How long the kernels of a training phase take.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/llm/train_phases.h"
#include "sim/core/error.h"
#include "sim/core/named_object.h"
#include "sim/core/sourced_number.h"

namespace weft::models {
namespace {

constexpr const char* kFolder = "models/data/training";
constexpr double kFarLarger = 4;   // operations above this many times the largest measured: a BF16 product goes by its efficiency

bool is_product(const std::string& family) { return family == "gemm" || family == "grouped_gemm" || family == "gemm_wgrad"; }
bool is_attention(const std::string& family) { return family == "attention_forward" || family == "attention_backward" || family == "mla_decode"; }

double product_flops(const KernelCall& call) {
  const double groups = call.family->name == "grouped_gemm" ? call.get("groups") : 1;
  return 2 * groups * call.get("m") * call.get("n") * call.get("k");
}

/// Whether a product is far larger than any that the calibration measured, or there is none.
bool far_larger(const CostModel& model, const KernelCall& call) {
  const CalibrationEntry* e = model.entry_for(call);
  if (e == nullptr) return true;
  double largest = 0;
  for (const CalibrationPoint& p : e->points) largest = std::max(largest, product_flops({call.family, call.variant, p.at}));
  return product_flops(call) > kFarLarger * largest;
}

}  // namespace

TrainConstants read_train_constants(JsonReader where, const DataPlaces& data) {
  TrainConstants c;
  auto found = read_named_object(where, data, kFolder, "constants of a training step's kernels");
  if (!found) return c;
  JsonReader& r = found->reader;
  c.name = found->name;
  static_cast<void>(r.string("title", c.name));
  c.gap = r.sourced<Seconds>("gap", Origin::assumed, false);
  c.least = r.sourced<Seconds>("least", Origin::assumed, false);
  c.per_score = r.sourced<Seconds>("per_score", Origin::assumed, false);
  c.per_index = r.sourced<Seconds>("per_index", Origin::assumed, false);
  c.pause = r.sourced<Seconds>("pause", Origin::assumed, false);
  c.dispatch_layout = r.sourced<Seconds>("dispatch_layout", Origin::assumed, false);
  c.gradient_cast = r.sourced<Seconds>("gradient_cast", Origin::assumed, false);
  c.launch_spread = read_sourced_number(r, "launch_spread", 1e-3, 1, "sigma of a logarithm");
  c.exchange_spread = read_sourced_number(r, "exchange_spread", 1e-3, 1, "sigma of a logarithm");
  c.bf16_efficiency = read_sourced_number(r, "bf16_efficiency", 1e-3, 1, "a part of the peak");
  r.done();
  return c;
}

TrainConstants train_constants_named(const std::string& name, const DataPlaces& data, const std::string& place) {
  const Json json = name;
  Problems problems;
  TrainConstants c = read_train_constants(JsonReader(json, place, problems), data);
  problems.throw_if_any();
  return c;
}

std::vector<ConstantUsed> constants_of(const TrainConstants& c) {
  std::vector<ConstantUsed> used;
  const auto add = [&](const char* what, const std::string& value, const auto& constant) {
    used.push_back({fmt::format("training {}: {}", c.name, what), value, constant.origin, constant.source});
  };
  add("gap", to_text(c.gap.value), c.gap);
  add("least", to_text(c.least.value), c.least);
  add("per_score", to_text(c.per_score.value), c.per_score);
  add("per_index", to_text(c.per_index.value), c.per_index);
  add("pause", to_text(c.pause.value), c.pause);
  add("dispatch_layout", to_text(c.dispatch_layout.value), c.dispatch_layout);
  add("gradient_cast", to_text(c.gradient_cast.value), c.gradient_cast);
  add("bf16_efficiency", fmt::format("{:g}", c.bf16_efficiency.value), c.bf16_efficiency);
  return used;
}

KernelTime kernel_time(const CostModel& model, const PhaseKernel& kernel, double sms, const TrainConstants& constants) {
  KernelCall call = kernel.call;
  for (std::size_t i = 0; i < call.at.size(); ++i) {
    if (call.family->fields[i].name == "sms") call.at[i] = sms;
  }
  KernelTime t = model.time(call);
  if (model.wanted() == Fidelity::roofline) return t;   // a bound knows no pauses
  if (is_product(call.family->name) && call.variant == "bfloat16" && far_larger(model, call)) {
    const double part = sms > 0 ? sms / model.gpu().sms.value : 1;
    const double rate = constants.bf16_efficiency.value * model.gpu().bf16_rate.value.value() * part;
    t.time = std::max(t.roofline, Seconds(product_flops(call) / rate));
    t.fidelity = Fidelity::fitted;
    t.calibration = "training " + constants.name;
    t.form = "bf16_efficiency";
    t.clamped = false;
  }
  const Seconds walked = constants.per_score.value * kernel.scores + constants.per_index.value * kernel.indices;
  t.time = std::max(t.time, constants.least.value + walked);
  return t;
}

PhaseTime phase_time(const CostModel& model, std::span<const PhaseKernel> kernels, double sms, const TrainConstants& constants) {
  PhaseTime p;
  for (const PhaseKernel& k : kernels) {
    const KernelTime one = kernel_time(model, k, sms, constants);
    const Seconds all = one.time * k.count;
    const std::string& family = k.call.family->name;
    (is_product(family) ? p.gemm : is_attention(family) ? p.attention : p.other) += all;
    // Where constants decide (selection, least time), nothing is missing.
    if (one.fidelity == Fidelity::roofline && one.time == one.roofline) p.roofline_only += all;
    if (one.memory) p.memory += all;
    if (k.stream == 0 && model.wanted() != Fidelity::roofline) p.gaps += constants.gap.value * k.count;
    p.flops += k.flops;
    p.kernels += k.count;
  }
  p.total = p.gemm + p.attention + p.other + p.gaps;
  return p;
}

}  // namespace weft::models
