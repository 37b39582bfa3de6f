// NCCL collectives inside one node, as measured kernels (workloads/ simulates them on a fabric; this predicts a table).
#include "models/kernels/support.h"

namespace weft::models {
namespace {

/// Bytes that one GPU must send, of a buffer of `bytes` (nccl-tests' size; NCCL performance notes: busbw factors).
double sent(const KernelCall& c) {
  const double others = c.get("gpus") - 1;
  return c.get("bytes") * others / c.get("gpus") * (c.variant == "all_reduce" ? 2 : 1);
}

double steps(const KernelCall& c) {
  const double others = c.get("gpus") - 1;
  return c.variant == "all_to_all" ? 1 : c.variant == "all_reduce" ? 2 * others : others;
}

std::vector<Demand> demands(const KernelCall& c, const Gpu& gpu) {
  // NVLS reduces inside the switch, which halves what an all-reduce sends.
  const double least = sent(c) / (c.variant == "all_reduce" ? 2 : 1);
  return {{"NVLink", "B", least, gpu.nvlink_rate.value.value()}};
}

std::string impossible(const KernelCall& c, const Gpu& gpu) {
  if (c.get("gpus") < 2) return "a collective takes two GPUs or more";
  return gpu.nvlink_gpus.value > 0 && c.get("gpus") > gpu.nvlink_gpus.value ? "more GPUs than one NVLink domain has" : "";
}

enum Feature { steps_, whole_us, share };
enum Parameter { t0, step, bandwidth, others, middle, power, q };

std::vector<double> features(const KernelCall& c, const Gpu& gpu) {
  const double rate = gpu.nvlink_rate.value.value(), part = (c.get("gpus") - 1) / c.get("gpus");
  return {steps(c), rate > 0 && part > 0 ? sent(c) / part / rate * 1e6 : 0, part};
}

/// Sending everything that a ring sends, or less of it where the switch copies and adds.
double sending_us(const double* f, const double* p) { return f[whole_us] * std::pow(f[share], p[others]); }

/// A plateau of latencies, the rate, and between them a part that grows more slowly than the bytes (protocols and chunks change there).
double time_us(const double* f, const double* p) {
  const double ideal = sending_us(f, p);
  return soft_max({p[t0] + p[step] * f[steps_], ideal / p[bandwidth] + p[middle] * std::pow(ideal, p[power])}, p[q]);
}

std::vector<Figure> figures(const double* f, const double* p) {
  return {{"latency", "t0 + step x steps of a ring", "us", p[t0] + p[step] * f[steps_]},
          {"sending", "bytes sent / (bandwidth x NVLink)", "us", sending_us(f, p) / p[bandwidth]},
          {"changing protocol", "middle x (ideal sending time)^power", "us", p[middle] * std::pow(sending_us(f, p), p[power])},
          {"both together", "[sum of the powers q]^(1/q)", "us", time_us(f, p)}};
}

}  // namespace

std::vector<KernelFamily> nccl_families() {
  KernelFamily f;
  f.name = "nccl";
  f.title = "NCCL collective inside a node";
  f.summary = "Time over the size of the buffer of one GPU, as nccl-tests counts it: all_gather: gathered, reduce_scatter: scattered, others: sent.";
  f.source = "busbw factors: nccl-tests doc/PERFORMANCE.md";
  f.variants = {"all_reduce", "all_gather", "reduce_scatter", "all_to_all"};
  f.fields = {{"gpus", "GPUs", -1, true, 1024, 4}, {"bytes", "of the buffer", -1, false, 1e15}};
  f.shape_family = {"bytes"};
  f.demands = demands;
  f.impossible = impossible;
  KernelForm form;
  form.name = "plateau_and_rate";
  form.title = "a plateau of latencies, then a rate";
  form.formula = "[(t0 + step steps)^q + (sent / (bandwidth NVLink) + middle (sent / NVLink)^power)^q]^(1/q), sent = bytes ((gpus - 1) / gpus)^others";
  // Tables have few sizes, and power and q can stand in for each other there: their ranges are narrow, around the square root of a pipeline whose
  // chunks are chosen best. Chosen with the residuals of measured tables in sight.
  form.parameters = {{"t0", "us", "start", 0.5, 100, 5},
                     {"step", "us", "per step of a ring", 0.001, 30, 0.8},
                     {"bandwidth", "", "of NVLink's rate per direction", 0.02, 1, 0.8},
                     {"others", "", "power of (gpus - 1) / gpus in what is sent; 1: a ring", 0.02, 4, 1},
                     {"middle", "us", "where the protocols change, at an ideal time of 1 us", 0.001, 100, 3},
                     {"power", "", "of the bytes there; a half where the number of chunks is the best", 0.3, 0.6, 0.5},
                     {"q", "", "how sharply the larger decides", 2, 8, 4}};
  form.features = features;
  form.time_us = time_us;
  form.figures = figures;
  f.forms = {form};
  return {f};
}

}  // namespace weft::models
