// The whole expert block of one rank as one measured time: both grouped multiplications with activation and casts, under a skewed load.
#include "models/kernels/support.h"

namespace weft::models {
namespace {

/// What the busiest of `ep` ranks gets of all rows when the load of expert i falls like i^-s: the integral of the law over its experts.
double busiest_share(double experts, double ep, double s) {
  if (s <= 0) return 1 / ep;
  const auto up_to = [s](double x) { return std::abs(s - 1) < 1e-6 ? std::log(x / 0.5) : (std::pow(x, 1 - s) - std::pow(0.5, 1 - s)) / (1 - s); };
  return up_to(experts / ep + 0.5) / up_to(experts + 0.5);
}

double rows(const KernelCall& c) { return c.get("tokens") * c.get("topk"); }
double local(const KernelCall& c) { return std::max(1.0, std::floor(c.get("experts") / c.get("ep"))); }
double weight(const KernelCall& c) { return 3 * c.get("hidden") * c.get("inter") / c.get("tp"); }   // elements of one expert

/// Skew only lengthens; the least is the even share. Weights of experts without a row are not read.
std::vector<Demand> demands(const KernelCall& c, const Gpu& gpu) {
  const double even = rows(c) / c.get("ep");
  return {{"tensor cores (" + cores_of("fp8", gpu) + ")", "FLOP", 2 * even * weight(c), peak_of("fp8", gpu)},
          {"HBM", "B", weight(c) * std::min(1.0, even), gpu.hbm_rate.value.value()}};
}

std::string impossible(const KernelCall& c, const Gpu&) {
  if (c.get("topk") > c.get("experts")) return "a token cannot go to more experts than there are";
  return c.get("ep") > c.get("experts") ? "there are more ranks than experts" : "";
}

enum Feature { all_rows, experts_, ep_, local_, flop_us_row, weight_us, row_us, skew_, tokens_us };

std::vector<double> features(const KernelCall& c, const Gpu& gpu) {
  const double hbm = gpu.hbm_rate.value.value() * 1e-6;
  return {rows(c), c.get("experts"), c.get("ep"), local(c), 2 * weight(c) / peak_of("fp8", gpu) * 1e6, weight(c) / hbm,
          (c.get("hidden") * 3 + c.get("inter") / c.get("tp") * 6) / hbm, c.get("skew"), c.get("tokens") * c.get("hidden") / hbm};
}

enum Parameter { t0, efficiency, bandwidth, q, spread, pad, move, token };

struct Parts {
  double share, work, weights, moving, tokens;
};

Parts parts_of(const double* f, const double* p) {
  Parts r;
  r.share = busiest_share(f[experts_], f[ep_], p[spread] * f[skew_]);
  const double mine = f[all_rows] * r.share;
  const double active = f[local_] * (1 - std::exp(-mine / f[local_]));
  r.work = (mine + p[pad] * active) * f[flop_us_row] / p[efficiency];
  r.weights = active * f[weight_us] / p[bandwidth];
  r.moving = mine * f[row_us] / p[move];
  r.tokens = p[token] * f[tokens_us];
  return r;
}

double time_us(const double* f, const double* p) {
  const Parts r = parts_of(f, p);
  return p[t0] + r.tokens + r.moving + soft_max({r.work, r.weights}, p[q]);
}

std::vector<Figure> figures(const double* f, const double* p) {
  const Parts r = parts_of(f, p);
  return {{"share of the rows", "on the busiest rank", "", r.share},
          {"computing", "rows and padding / (efficiency x peak)", "us", r.work},
          {"reading weights", "of experts that have rows / (bandwidth x HBM)", "us", r.weights},
          {"moving rows", "in, between and out / (move x HBM)", "us", r.moving},
          {"sorting tokens", "all of the group's", "us", r.tokens},
          {"start", "t0", "us", p[t0]}};
}

}  // namespace

std::vector<KernelFamily> moe_experts_families() {
  KernelFamily f;
  f.name = "moe_experts";
  f.title = "Expert block of one rank";
  f.summary = "gate+up and down multiplications of the routed experts with SwiGLU and casts, in FP8; tokens of the whole group. The time is the busiest rank's.";
  f.source = "model: weft; measured tables: AIConfigurator (ai-dynamo/aiconfigurator)";
  f.variants = {"context", "generation"};
  f.fields = {{"tokens", "of all ranks of the expert-parallel group", -1, true, 1e9, 2},
              {"hidden", "width of the model", -1, true, 1e6},
              {"inter", "width of an expert", -1, true, 1e6},
              {"topk", "experts per token", -1, true, 1e4},
              {"experts", "routed experts", -1, true, 1e6},
              {"ep", "ranks of the expert-parallel group", 1, true, 1e6},
              {"tp", "ranks that split an expert", 1, true, 1e6},
              {"skew", "exponent of the power law of the load; 0: even", 0, false, 10, 2}};
  f.shape_family = {"tokens", "ep"};
  f.demands = demands;
  f.impossible = impossible;
  KernelForm form;
  form.name = "busiest_rank";
  form.title = "the busiest rank's rows against the weights";
  form.formula = "t0 + token tokens + rows moved + [(FLOP / (efficiency peak))^q + (weights / (bandwidth HBM))^q]^(1/q)";
  form.parameters = {{"t0", "us", "start of all kernels of the block", 0.5, 3000, 30},
                     {"efficiency", "", "of the tensor cores' FP8 peak", 0.02, 1, 0.6},
                     {"bandwidth", "", "of HBM's peak, reading weights", 0.02, 1, 0.85},
                     {"q", "", "how sharply the larger of computing and reading decides", 1, 8, 2},
                     {"spread", "", "of the load, per unit of skew", 0.05, 2, 0.7},
                     {"pad", "rows", "of padding per expert", 0.01, 128, 40},
                     {"move", "", "of HBM's peak, moving rows", 0.02, 2, 0.6},
                     {"token", "", "sorting, in bytes of a row per token", 0.001, 50, 1}};
  form.features = features;
  form.time_us = time_us;
  form.figures = figures;
  f.forms = {form};
  return {f};
}

}  // namespace weft::models
