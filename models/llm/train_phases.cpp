#include "models/llm/train_phases.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "models/llm/train_builder.h"
#include "sim/core/error.h"

namespace weft::models {
namespace {

constexpr double kMost = 1e9;   // tokens or GPUs

bool whole(double v) { return std::floor(v) == v; }

bool in_layer(TrainPhase p) { return std::find(layer_phases().begin(), layer_phases().end(), p) != layer_phases().end(); }

bool of_mtp(TrainPhase p) {
  return p == TrainPhase::mtp_projection_forward || p == TrainPhase::mtp_projection_backward || p == TrainPhase::mtp_projection_weight;
}

bool has_logits(TrainPhase p) {
  return p == TrainPhase::head_forward || p == TrainPhase::head_backward || p == TrainPhase::head_weight || p == TrainPhase::loss_forward || p == TrainPhase::loss_backward;
}

void check_tensor_parallel(const Llm& m, const TrainShape& q, bool words) {
  if (!(q.tp >= 1 && q.tp <= kMost) || !whole(q.tp)) throw UserError("--tp", fmt::format("expected a whole number of GPUs, got {:g}", q.tp));
  const auto divides = [&](double of, const char* what) {
    if (of > 0 && (!whole(of / q.tp) || of < q.tp)) throw UserError("--tp", fmt::format("{:g} GPUs cannot share {:g} {} evenly", q.tp, of, what));
  };
  divides(m.attention.heads, "heads");
  divides(q.tokens, "tokens");
  divides(q.moe ? m.shared_inter : m.dense_inter, "columns of the MLP");
  if (words) divides(m.vocab, "words");
  // Fewer heads of keys and values than GPUs: each is held by several.
  if (!whole(q.tp / m.attention.kv_heads)) divides(m.attention.kv_heads, "heads of keys and values");
}

void check(const Llm& m, TrainPhase phase, const TrainShape& q) {
  if (!(q.tokens >= 1 && q.tokens <= kMost) || !whole(q.tokens)) throw UserError("--tokens", fmt::format("expected a whole number of tokens, got {:g}", q.tokens));
  if (!(q.sequence >= 1 && q.sequence <= q.tokens) || !whole(q.tokens / q.sequence)) {
    throw UserError("--tokens", fmt::format("{:g} tokens are no whole number of sequences of {:g}", q.tokens, q.sequence), "--context says how long a sequence is");
  }
  check_tensor_parallel(m, q, has_logits(phase));
  if (!(q.routed_rows >= 0) || !(q.received >= 0) || !(q.optimizer_parameters >= 0)) throw UserError("--tokens", "rows and parameters cannot be negative");
  if (phase == TrainPhase::optimizer && q.optimizer_parameters == 0) {
    throw UserError("--phase", "the optimizer needs to know how many parameters this GPU keeps");
  }
  if (of_mtp(phase) && m.mtp_modules == 0) throw UserError("--phase", fmt::format("{} has no MTP module", m.name));
  if (!in_layer(phase)) return;
  if (q.moe && m.moe_layers == 0) throw UserError("--phase", fmt::format("{} has no MoE layer", m.name), "its layers are dense");
  if (!q.moe && m.dense_inter == 0) throw UserError("--phase", fmt::format("{} has no dense layer", m.name));
  if (q.moe && (!(q.ep >= 1 && q.ep <= m.experts) || !whole(m.experts / q.ep))) {
    throw UserError("--ep", fmt::format("{:g} GPUs cannot hold {:g} experts evenly", q.ep, m.experts));
  }
}

}  // namespace

std::string to_text(TrainPhase p) {
  switch (p) {
    case TrainPhase::attention_forward: return "attention_forward";
    case TrainPhase::mlp_forward: return "mlp_forward";
    case TrainPhase::mlp_backward: return "mlp_backward";
    case TrainPhase::mlp_weight: return "mlp_weight";
    case TrainPhase::attention_backward: return "attention_backward";
    case TrainPhase::attention_weight: return "attention_weight";
    case TrainPhase::embedding_forward: return "embedding_forward";
    case TrainPhase::embedding_backward: return "embedding_backward";
    case TrainPhase::head_forward: return "head_forward";
    case TrainPhase::head_backward: return "head_backward";
    case TrainPhase::head_weight: return "head_weight";
    case TrainPhase::loss_forward: return "loss_forward";
    case TrainPhase::loss_backward: return "loss_backward";
    case TrainPhase::mtp_projection_forward: return "mtp_projection_forward";
    case TrainPhase::mtp_projection_backward: return "mtp_projection_backward";
    case TrainPhase::mtp_projection_weight: return "mtp_projection_weight";
    case TrainPhase::optimizer: return "optimizer";
  }
  WEFT_CHECK(false, "a phase without a name");
}

const std::vector<TrainPhase>& layer_phases() {
  static const std::vector<TrainPhase> kPhases = {TrainPhase::attention_forward, TrainPhase::mlp_backward, TrainPhase::mlp_weight,
                                                  TrainPhase::mlp_forward, TrainPhase::attention_backward, TrainPhase::attention_weight};
  return kPhases;
}

const std::vector<TrainPhase>& train_phases() {
  static const std::vector<TrainPhase> kPhases = [] {
    std::vector<TrainPhase> all;
    for (int i = 0; i <= static_cast<int>(TrainPhase::optimizer); ++i) all.push_back(static_cast<TrainPhase>(i));
    return all;
  }();
  return kPhases;
}

double received_share(const Llm& m, double ep) {
  if (m.experts == 0) return 1;
  const double here = m.experts / ep;                                        // experts of a GPU
  const double reachable = m.experts * m.topk_groups / m.expert_groups;      // by one token, within its groups
  if (here >= reachable) return std::min(1.0, 1 / m.topk);
  // The chance that none of the topk falls on a given GPU of those reachable: C(reachable - here, topk) / C(reachable, topk).
  double none = 1;
  for (double i = 0; i < m.topk; ++i) none *= std::max(0.0, reachable - here - i) / (reachable - i);
  return reachable / here * (1 - none) / m.topk;
}

std::vector<PhaseKernel> kernels_of(const Llm& m, TrainPhase phase, const TrainShape& shape) {
  check(m, phase, shape);
  const TrainSizes s(m, shape);
  PhaseBuilder add(s);
  switch (phase) {
    case TrainPhase::attention_forward: attention_forward(s, add); break;
    case TrainPhase::mlp_forward: mlp_forward(s, add); break;
    case TrainPhase::mlp_backward: mlp_backward(s, add); break;
    case TrainPhase::mlp_weight: mlp_weight(s, add); break;
    case TrainPhase::attention_backward: attention_backward(s, add); break;
    case TrainPhase::attention_weight: attention_weight(s, add); break;
    default: outside_layers(phase, s, add); break;
  }
  return add.take();
}

}  // namespace weft::models
