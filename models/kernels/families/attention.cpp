// Attention with keys and values of their own per head (training, prefill, GQA models), forward and backward.
#include "models/kernels/support.h"

namespace weft::models {
namespace {

bool backward(const KernelCall& c) { return c.family->name == "attention_backward"; }

double kv_heads(const KernelCall& c) { return c.get("kv_heads") > 0 ? c.get("kv_heads") : c.get("heads"); }

/// Forward: scores and output. Backward: five products, of which three take the width of keys and two that of values.
double flops(const KernelCall& c) {
  const double width = backward(c) ? 3 * c.get("d_qk") + 2 * c.get("d_v") : c.get("d_qk") + c.get("d_v");
  const double pairs = c.get("seq") * c.get("seq") * (c.get("causal") > 0 ? 0.5 : 1);
  return 2 * c.get("batch") * c.get("heads") * pairs * width;
}

double bytes(const KernelCall& c) {
  const double q = c.get("heads") * (c.get("d_qk") + c.get("d_v")), kv = kv_heads(c) * (c.get("d_qk") + c.get("d_v"));
  return 2 * c.get("batch") * c.get("seq") * (q + kv) * (backward(c) ? 2.5 : 1);   // backward also reads the output and writes gradients
}

std::vector<Demand> demands(const KernelCall& c, const Gpu& gpu) {
  return {{"tensor cores (BF16)", "FLOP", flops(c), gpu.bf16_rate.value.value() * sms_of(c, gpu) / gpu.sms.value},
          {"HBM", "B", bytes(c), gpu.hbm_rate.value.value()}};
}

std::string impossible(const KernelCall& c, const Gpu&) {
  return kv_heads(c) > c.get("heads") ? "more heads of keys and values than query heads" : "";
}

enum Feature { flop_us, move_us, partial };

std::vector<double> features(const KernelCall& c, const Gpu& gpu) {
  const double n = sms_of(c, gpu);
  const double tiles = c.get("batch") * c.get("heads") * std::ceil(c.get("seq") / 128);
  // The last wave of tiles is not full: with one wave all of its length counts.
  const double rounding = std::ceil(tiles / n) * n / tiles;
  const double peak = gpu.bf16_rate.value.value() * n / gpu.sms.value;
  return {flops(c) / peak * 1e6, bytes(c) / gpu.hbm_rate.value.value() * 1e6, rounding};
}

double time_us(const double* f, const double* p) {   // t0, efficiency, bandwidth, q
  return p[0] + soft_max({f[flop_us] * f[partial] / p[1], f[move_us] / p[2]}, p[3]);
}

std::vector<Figure> figures(const double* f, const double* p) {
  return {{"unfilled last wave", "makes computing longer", "x", f[partial]},
          {"computing", "FLOP / (efficiency x peak)", "us", f[flop_us] * f[partial] / p[1]},
          {"moving", "bytes / (bandwidth x HBM)", "us", f[move_us] / p[2]},
          {"both together", "[sum of the powers q]^(1/q)", "us", time_us(f, p) - p[0]},
          {"start", "t0", "us", p[0]}};
}

}  // namespace

std::vector<KernelFamily> attention_families() {
  KernelFamily f;
  f.name = "attention_forward";
  f.title = "Attention, forward";
  f.summary = "FlashAttention over whole sequences, in BF16. DeepSeek-V3 trains with d_qk 192 and d_v 128 (not absorbed); kv_heads below heads is GQA.";
  f.source = "FLOP counts: 2 pairs heads (d_qk + d_v), half of it when causal";
  f.variants = {"bfloat16"};
  f.fields = {{"batch", "sequences", 1, true, 1e7},
              {"heads", "query heads", -1, true, 1e5},
              {"kv_heads", "heads of keys and values; 0: as many as query heads", 0, true, 1e5, 0.5},
              {"seq", "tokens per sequence", -1, true, 1e9, 2},
              {"d_qk", "width of queries and keys", 128, true, 1e5},
              {"d_v", "width of values", 128, true, 1e5},
              {"causal", "1: token i sees i + 1 tokens; 0: all", 1, true, 1, 1, true},
              sms_field()};
  f.shape_family = {"batch", "heads"};
  f.demands = demands;
  f.impossible = impossible;
  KernelForm form;
  form.name = "roofline_efficiency";
  form.title = "soft maximum of computing and moving";
  form.formula = "t0 + [(FLOP rounding / (efficiency peak))^q + (bytes / (bandwidth HBM))^q]^(1/q)";
  form.parameters = {{"t0", "us", "start of the kernel", 0.05, 60, 5},
                     {"efficiency", "", "of the tensor cores' BF16 peak", 0.02, 1, 0.6},
                     {"bandwidth", "", "of HBM's peak", 0.02, 1, 0.85},
                     {"q", "", "how sharply the larger decides", 1, 8, 2}};
  form.features = features;
  form.time_us = time_us;
  form.figures = figures;
  f.forms = {form};
  KernelFamily b = f;
  b.name = "attention_backward";
  b.title = "Attention, backward";
  b.summary = "Five products per pair of tokens (scores again, and the gradients of values, probabilities, queries and keys), in BF16.";
  b.source = "FLOP counts: 2 pairs heads (3 d_qk + 2 d_v), half of it when causal";
  return {f, b};
}

}  // namespace weft::models
