#include <algorithm>

#include "models/llm/counts.h"

namespace weft::models {
namespace {

/// Where a token's matmul parameters lie, and what attends; forward pass.
std::vector<FlopsPart> forward(const Llm& m, double heads_worked, Flops core) {
  std::vector<FlopsPart> parts;
  const auto add = [&](const char* name, double matmul_parameters, bool counted = true) {
    if (matmul_parameters > 0) parts.push_back({name, Flops(2 * matmul_parameters), counted});
  };
  const double ffn = 3 * m.hidden;
  const double gate = m.shared_gate ? m.hidden : 0;
  add("attention projections", m.layers * attention_matmul_parameters(m));
  parts.push_back({"core attention", core, true});
  add("dense FFN", m.dense_layers() * ffn * m.dense_inter);
  add("routed experts", m.moe_layers * m.topk * ffn * m.expert_inter);
  add("shared experts", m.moe_layers * (ffn * m.shared_inter + gate));
  add("head", heads_worked * m.vocab * m.hidden);
  add("router", m.moe_layers * m.experts * m.hidden, false);
  return parts;
}

/// One MTP module: a projection from 2 x hidden, a layer like the last one, and the head.
double mtp_forward(const Llm& m, double core_of_a_layer) {
  const bool moe = m.moe_layers > 0;
  const double ffn = moe ? m.topk * m.expert_inter + m.shared_inter : m.dense_inter;
  return 2 * (2 * m.hidden * m.hidden + attention_matmul_parameters(m) + 3 * m.hidden * ffn + m.vocab * m.hidden) + core_of_a_layer;
}

/// Core attention of a token over all layers, when it sees `full` tokens, or `windowed` in layers with a window.
Flops core_over_layers(const Llm& m, double full, double windowed, bool absorbed) {
  const double windows = m.attention.window_layers;
  return flops_per_pair(m, absorbed) * (full * (m.layers - windows) + windowed * windows);
}

}  // namespace

double attention_pairs(double sequence, bool causal, double window) {
  const double seen = window > 0 ? std::min(window, sequence) : sequence;
  // Causal: half the square, and beyond the window `window` keys a query. Otherwise everything in reach.
  return causal ? seen * seen / 2 + (sequence - seen) * seen : sequence * seen;
}

Flops flops_per_pair(const Llm& m, bool absorbed) {
  const LlmAttention& a = m.attention;
  const double width = absorbed && a.latent ? 2 * a.kv_lora + a.rope : a.d_qk + a.d_v;
  return Flops(2 * a.heads * width);
}

double absorption_break_even(const Llm& m) {
  const LlmAttention& a = m.attention;
  if (!a.latent) return 0;
  const double expansion = 2 * a.kv_lora * a.heads * (a.nope + a.d_v);   // per cached token
  return expansion / (flops_per_pair(m, true) - flops_per_pair(m, false)).value();
}

Flops sum_of(const std::vector<FlopsPart>& parts, bool with_router) {
  Flops sum;
  for (const FlopsPart& p : parts) {
    if (p.counted || (with_router && p.name == "router")) sum += p.flops;
  }
  return sum;
}

std::vector<FlopsPart> train_flops(const Llm& m, double sequence, bool causal) {
  const auto seen = [&](double window) { return attention_pairs(sequence, causal, window) / sequence; };
  const Flops core = core_over_layers(m, seen(0), seen(m.attention.window), false);
  std::vector<FlopsPart> parts = forward(m, 1, core);
  if (m.mtp_modules > 0) {
    parts.push_back({"MTP modules", Flops(m.mtp_modules * mtp_forward(m, core.value() / m.layers)), false});
  }
  for (FlopsPart& p : parts) p.flops *= 3;   // the backward pass costs twice the forward pass
  return parts;
}

std::vector<FlopsPart> prefill_flops(const Llm& m, double prompt) {
  const auto seen = [&](double window) { return attention_pairs(prompt, true, window) / prompt; };
  return forward(m, 1 / prompt, core_over_layers(m, seen(0), seen(m.attention.window), false));
}

std::vector<FlopsPart> decode_flops(const Llm& m, double context, bool absorbed) {
  const LlmAttention& a = m.attention;
  const double windowed = a.window > 0 ? std::min(a.window, context) : context;
  std::vector<FlopsPart> parts = forward(m, 1, core_over_layers(m, context, windowed, absorbed));
  if (a.latent && !absorbed) {
    // The token's own latent vector is expanded among the projections; the others of the cache once more in this step.
    const double expansion = 2 * a.kv_lora * a.heads * (a.nope + a.d_v);
    parts.push_back({"expansion of the cache", Flops(m.layers * expansion * (context - 1)), true});
  }
  return parts;
}

}  // namespace weft::models
