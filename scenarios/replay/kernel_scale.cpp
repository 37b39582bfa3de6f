#include "scenarios/replay/kernel_scale.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace weft::scenarios::replay {
namespace {

using models::CostModel;
using models::KernelCall;
using workloads::replay::RecordedOp;
using workloads::replay::Recording;

/// The calibration of the GPU's training comes first where nobody chose one: its kernels ran beside communication on fewer SMs, as those of
/// traces do.
KernelChoice choice_for(const WhatIf& what, const std::string& gpu, const DataPlaces& data) {
  KernelChoice choice = what.kernels;
  // Measured shapes of a training's calibration are those of a trace: the formula alone predicts.
  if (!choice.cost_model) choice.cost_model = models::Fidelity::fitted;
  const std::string training = gpu + "_training";
  const std::vector<std::string> shipped = data.names("models/calibrations");
  if (what.usual_calibrations && choice.calibrations.empty() && std::find(shipped.begin(), shipped.end(), training) != shipped.end())
    choice.calibrations.push_back(training);
  return choice;
}

models::Gpu recorded_gpu(const Recording& r, const WhatIf& what, const DataPlaces& data) {
  if (!what.recorded_gpu.empty()) return models::gpu_named(what.recorded_gpu, data, "--recorded-gpu");
  const std::optional<std::string> name = models::gpu_of_device(r.device, data);
  if (!name) {
    throw UserError("",
                    r.device.empty() ? "the trace does not say what GPU it ran on"
                                     : fmt::format("weft does not know the GPU \"{}\" of the trace", r.device),
                    "--recorded-gpu NAME says it (weft list hardware)");
  }
  return models::gpu_named(*name, data, "");
}

}  // namespace

double balanced_rows(const Recording& r) { return r.tokens * r.topk; }

bool by_rows(const RecordedOp& op) {
  if (op.rows <= 0) return false;
  const std::string& family = op.shape.kind.family;
  if (family == "grouped_gemm" || op.assumed_shape) return true;
  if (family != "elementwise") return false;
  // A block a row, or one for so many rows.
  for (const double grid : op.blocks) {
    for (const double each : {1.0, 64.0, 128.0, 256.0}) {
      if (grid > 1 && (std::ceil(op.rows / each) == grid || (op.received > 0 && op.received == grid))) return true;
    }
  }
  return false;
}

KernelModels kernel_models(const Recording& recording, const WhatIf& what, const DataPlaces& data, const models::CostModelSource& source) {
  KernelModels out;
  if (!what.predicted && !what.balanced && what.gpu.empty() && !what.comm_sms) return out;
  const models::Gpu before = recorded_gpu(recording, what, data);
  const models::Gpu now = what.gpu.empty() ? before : models::gpu_named(what.gpu, data, "--gpu");
  out.recorded = source(before, choice_for(what, before.name, data), "--calibration");
  out.now = now.name == before.name ? out.recorded : source(now, choice_for(what, now.name, data), "--calibration");
  return out;
}

KernelScale::KernelScale(const Recording& recording, const WhatIf& what, const KernelModels& kernels)
    : recording_(recording), what_(what), recorded_(kernels.recorded), now_(kernels.now) {
  const models::Gpu& before = recorded_->gpu();
  const models::Gpu& now = now_->gpu();
  const double all = recording.sms > 0 ? recording.sms : before.sms.value;
  sms_recorded_ = recording.compute_sms > 0 ? recording.compute_sms : all;
  const double communication = what.comm_sms ? static_cast<double>(*what.comm_sms) : all - sms_recorded_;
  sms_now_ = now.sms.value - communication;
  if (sms_now_ < 1)
    throw UserError("--comm-sms",
                    fmt::format("{:.0f} SMs for communication leave none of the {:.0f} of the {}", communication, now.sms.value, now.name));
}

std::optional<KernelCall> KernelScale::call(const RecordedOp& op, double sms, bool balanced) const {
  if (op.shape.shape.empty() || op.what != models::TraceKernel::What::kernel) return std::nullopt;
  std::map<std::string, double> shape = op.shape.shape;
  if (shape.contains("sms")) shape["sms"] = sms;
  if (balanced && by_rows(op) && balanced_rows(recording_) > 0) {
    const double factor = balanced_rows(recording_) / op.rows;
    const std::string& family = op.shape.kind.family;
    if (family == "grouped_gemm") shape["m"] *= factor;
    else if (op.assumed_shape) shape["k"] *= factor;
    else if (shape.contains("bytes")) shape["bytes"] *= factor;
  }
  return models::kernel_call(models::kernel_family(op.shape.kind.family, ""), op.shape.kind.variant, shape, "");
}

std::optional<double> KernelScale::seconds(const RecordedOp& op) {
  const auto c = call(op, sms_now_, what_.balanced);
  if (!c || (now_->wanted() != models::Fidelity::roofline && now_->entry_for(*c) == nullptr)) return std::nullopt;
  calls_.push_back(*c);
  return now_->time(*c).time.value();
}

double KernelScale::without_shape(const RecordedOp& op) {
  const std::string& family = op.shape.kind.family;
  const bool matrices = family.find("gemm") != std::string::npos || family.starts_with("attention");
  double ratio = 1;
  std::string how = "HBM rates (no shape in the trace)";
  if (matrices) {
    const bool fp8 = op.shape.kind.variant.find("fp8") != std::string::npos && now_->gpu().fp8_rate.value.value() > 0;
    const auto rate = [&](const models::Gpu& g) { return fp8 ? g.fp8_rate.value.value() : g.bf16_rate.value.value(); };
    if (rate(now_->gpu()) > 0) ratio = rate(recorded_->gpu()) / rate(now_->gpu());
    ratio *= (sms_recorded_ / recorded_->gpu().sms.value) / (sms_now_ / now_->gpu().sms.value);
    how = "tensor-core rates and SMs (no shape in the trace)";
  } else if (now_->gpu().hbm_rate.value.value() > 0) {
    ratio = recorded_->gpu().hbm_rate.value.value() / now_->gpu().hbm_rate.value.value();
  }
  if (what_.balanced && by_rows(op) && balanced_rows(recording_) > 0) ratio *= balanced_rows(recording_) / op.rows;
  ++by_[how].ops;
  by_[how].us += op.time_us;
  return ratio;
}

double KernelScale::ratio(const RecordedOp& op) {
  const auto before = call(op, sms_recorded_, false);
  if (!before) return without_shape(op);
  const auto now = call(op, sms_now_, what_.balanced);
  // Either both by a calibration or both by the roofline: half of each would compare a kernel with a bound.
  const bool fitted =
      recorded_->wanted() != models::Fidelity::roofline && recorded_->entry_for(*before) != nullptr && now_->entry_for(*now) != nullptr;
  const auto time = [&](const CostModel& m, const KernelCall& c) {
    return fitted ? m.time(c).time.value() : models::roofline(c, m.gpu()).value();
  };
  Share& s = by_[fitted ? "calibrated cost models" : "rooflines (no calibration for both GPUs)"];
  ++s.ops;
  s.us += op.time_us;
  if (fitted) calls_.push_back(*now);
  const double was = time(*recorded_, *before);
  return was > 0 ? time(*now_, *now) / was : 1;
}

std::vector<std::string> KernelScale::notes() const {
  std::vector<std::string> out;
  for (const auto& [how, share] : by_)
    out.push_back(fmt::format("{} operations of {:.1f} ms scaled by {}", share.ops, share.us * 1e-3, how));
  return out;
}

}  // namespace weft::scenarios::replay
