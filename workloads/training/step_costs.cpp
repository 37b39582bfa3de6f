// Times of a step's work from kernel models.
#include <algorithm>

#include "workloads/training/step_setup.h"

namespace weft::workloads::training {
namespace {

using models::PhaseKernel;
using models::TrainPhase;
using models::TrainShape;

/// The phases that a work is made of.
std::vector<TrainPhase> phases_of(Work work) {
  switch (work) {
    case Work::attention_forward: return {TrainPhase::attention_forward};
    case Work::attention_backward: return {TrainPhase::attention_backward};
    case Work::attention_weight: return {TrainPhase::attention_weight};
    case Work::dense_forward:
    case Work::moe_forward: return {TrainPhase::mlp_forward};
    case Work::dense_backward:
    case Work::moe_backward: return {TrainPhase::mlp_backward};
    case Work::dense_weight:
    case Work::moe_weight: return {TrainPhase::mlp_weight};
    case Work::embedding_forward: return {TrainPhase::embedding_forward};
    case Work::embedding_backward: return {TrainPhase::embedding_backward};
    case Work::projection_forward: return {TrainPhase::mtp_projection_forward};
    case Work::projection_backward: return {TrainPhase::mtp_projection_backward};
    case Work::projection_weight: return {TrainPhase::mtp_projection_weight};
    case Work::head_forward: return {TrainPhase::head_forward, TrainPhase::loss_forward};
    case Work::head_backward: return {TrainPhase::loss_backward, TrainPhase::head_backward};
    case Work::head_weight: return {TrainPhase::head_weight};
    case Work::count: break;
  }
  return {};
}

bool routed(Work w) { return w == Work::moe_forward || w == Work::moe_backward || w == Work::moe_weight; }

/// Phases of a layer are launched one by one.
bool of_a_layer(Work w) { return w <= Work::moe_weight; }

/// What of the model has this work: none of it, no times are needed.
bool occurs(Work w, const Layout& l) {
  const auto any = [&](auto has) { return std::any_of(l.stages.begin(), l.stages.end(), has); };
  switch (w) {
    case Work::dense_forward:
    case Work::dense_backward:
    case Work::dense_weight: return any([](const StageContent& s) { return s.dense_layers > 0; });
    case Work::moe_forward:
    case Work::moe_backward:
    case Work::moe_weight: return any([](const StageContent& s) { return s.moe_layers + s.mtp_modules > 0; });
    case Work::projection_forward:
    case Work::projection_backward:
    case Work::projection_weight: return any([](const StageContent& s) { return s.mtp_modules > 0; });
    default: return true;
  }
}

/// Attention of a model with MoE layers ends with the router: of a dense layer in it too, which is a little more than it does.
TrainShape shape_of(const StepSetup& s, const Layout& l, Work w) {
  TrainShape shape;
  shape.tokens = l.tokens_per_micro_batch();
  shape.sequence = l.sequence;
  shape.ep = l.ep;
  shape.tp = l.tp;
  shape.sequence_parallel = l.sequence_parallel;
  shape.selective_recompute = l.recompute != Recompute::none;
  shape.fp8 = s.model.fp8;
  const bool dense = w == Work::dense_forward || w == Work::dense_backward || w == Work::dense_weight;
  shape.moe = s.model.moe_layers > 0 && !dense;
  return shape;
}

std::vector<PhaseKernel> kernels(const StepSetup& s, Work w, const TrainShape& shape) {
  std::vector<PhaseKernel> all;
  for (const TrainPhase p : phases_of(w)) {
    std::vector<PhaseKernel> some = models::kernels_of(s.model, p, shape);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

models::KernelCall on_sms(models::KernelCall call, double sms) {
  for (std::size_t i = 0; i < call.at.size(); ++i) {
    if (call.family->fields[i].name == "sms") call.at[i] = sms;
  }
  return call;
}

constexpr Work work_of(std::size_t i) { return static_cast<Work>(i); }
constexpr std::size_t works = static_cast<std::size_t>(Work::count);

}  // namespace

StepCosts costs_of(const StepSetup& s, const Layout& l, double received) {
  StepCosts costs;
  const double beside_sms = s.gpu.sms.value - s.communication_sms;
  const auto phase = [&](Work w, const TrainShape& shape, double sms) { return models::phase_time(*s.costs, kernels(s, w, shape), sms, s.constants); };
  // Full recomputation does a layer's forward pass again before its backward.
  const auto again = [&](Work w) -> std::optional<Work> {
    if (l.recompute != Recompute::full) return {};
    if (w == Work::attention_backward) return Work::attention_forward;
    if (w == Work::dense_backward) return Work::dense_forward;
    if (w == Work::moe_backward) return Work::moe_forward;
    return {};
  };
  for (std::size_t i = 0; i < works; ++i) {
    const Work w = work_of(i);
    if (!occurs(w, l)) continue;
    TrainShape shape = shape_of(s, l, w);
    const auto with_again = [&](double sms) {
      models::PhaseTime t = phase(w, shape, sms);
      if (const auto first = again(w)) {
        const models::PhaseTime more = phase(*first, shape, sms);
        t.total += more.total;
        t.memory += more.memory;
      }
      if (sms > 0 && of_a_layer(w)) t.total += s.constants.pause.value;
      t.total = t.total * s.time_factor;
      t.memory = t.memory * s.time_factor;
      return t;
    };
    const auto set_share = [&] { costs.set_hbm_share(w, with_again(0).hbm_share(), with_again(beside_sms).hbm_share()); };
    if (!routed(w) || !s.routing.drawn || received <= 0) {   // without exchanges nothing is drawn
      if (routed(w) && received > 0) {
        shape.routed_rows = s.slowest_rows * shape.tokens / shape.tp * s.model.topk;
        shape.received = received * shape.routed_rows;
      }
      costs.set(w, with_again(0).total, with_again(beside_sms).total);
      set_share();
      continue;
    }
    constexpr double step = 0.25, most = 6;
    std::vector<double> alone, beside;
    for (double rows = 0; rows <= most; rows += step) {
      shape.routed_rows = std::max(1.0, rows * shape.tokens / shape.tp * s.model.topk);
      shape.received = std::max(1.0, received * shape.routed_rows);
      alone.push_back(with_again(0).total.value());
      beside.push_back(with_again(beside_sms).total.value());
      if (rows == 1) set_share();
    }
    costs.set_by_rows(w, step, std::move(alone), std::move(beside));
  }
  return costs;
}

std::vector<models::KernelCall> calls_of(const StepSetup& s) {
  const double sms = s.gpu.sms.value - s.communication_sms;
  std::vector<models::KernelCall> calls;
  for (std::size_t i = 0; i < works; ++i) {
    const Work w = work_of(i);
    if (!occurs(w, s.layout)) continue;
    for (const PhaseKernel& k : kernels(s, w, shape_of(s, s.layout, w))) calls.push_back(on_sms(k.call, sms));
  }
  return calls;
}

}  // namespace weft::workloads::training
