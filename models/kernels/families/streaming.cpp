// Kernels that are bound by moving bytes or by starting at all: elementwise, router, memory tests, copies to a peer, empty launches.
#include "models/kernels/support.h"

namespace weft::models {
namespace {

enum Feature { move_us, per_item };

double hbm_bytes(const KernelCall& c) {
  if (c.family->name == "router") return c.get("tokens") * (c.get("experts") * 4 + c.get("topk") * 8);   // FP32 scores in; weights and indices out
  return c.get("bytes");
}

std::string too_many_experts(const KernelCall& c, const Gpu&) {
  return c.get("topk") > c.get("experts") ? "a token cannot go to more experts than there are" : "";
}

std::vector<Demand> hbm_demand(const KernelCall& c, const Gpu& gpu) { return {{"HBM", "B", hbm_bytes(c), gpu.hbm_rate.value.value()}}; }

std::vector<Demand> link_demand(const KernelCall& c, const Gpu& gpu) { return {{"NVLink", "B", c.get("bytes"), gpu.nvlink_rate.value.value()}}; }

std::vector<Demand> no_demand(const KernelCall&, const Gpu&) { return {{"start", "B", 0, 0}}; }

std::vector<double> hbm_features(const KernelCall& c, const Gpu& gpu) {
  // Fewer SMs than about a third of the GPU cannot saturate HBM; below that the rate falls with them.
  double share = 1;
  for (const ShapeField& f : c.family->fields) {
    if (f.name == "sms") share = std::min(1.0, 3 * sms_of(c, gpu) / gpu.sms.value);
  }
  return {hbm_bytes(c) / gpu.hbm_rate.value.value() * 1e6 / share, 0};
}

std::vector<double> link_features(const KernelCall& c, const Gpu& gpu) {
  return {gpu.nvlink_rate.value.value() > 0 ? c.get("bytes") / gpu.nvlink_rate.value.value() * 1e6 : 0, 0};
}

std::vector<double> count_features(const KernelCall& c, const Gpu&) { return {0, c.get("count")}; }

double streaming_time(const double* f, const double* p) { return p[0] + f[move_us] / p[1]; }   // t0, bandwidth

double count_time(const double* f, const double* p) { return p[0] * f[per_item]; }

std::vector<Figure> streaming_figures(const double* f, const double* p) {
  return {{"moving", "bytes / (bandwidth x peak)", "us", f[move_us] / p[1]}, {"start", "t0", "us", p[0]}};
}

std::vector<Figure> count_figures(const double* f, const double* p) { return {{"launches", "one after the other", "us", count_time(f, p)}}; }

KernelForm streaming(std::vector<double> (*features)(const KernelCall&, const Gpu&)) {
  KernelForm f;
  f.name = "streaming";
  f.title = "a start and a rate";
  f.formula = "t0 + bytes / (bandwidth peak)";
  f.parameters = {{"t0", "us", "start of the kernel", 0.01, 200, 2}, {"bandwidth", "", "of the peak of HBM or NVLink", 0.005, 1, 0.6}};
  f.features = features;
  f.time_us = streaming_time;
  f.figures = streaming_figures;
  return f;
}

ShapeField bytes_field(const char* meaning) { return {"bytes", meaning, -1, false, 1e15}; }

KernelFamily family(const char* name, const char* title, const char* summary, std::vector<std::string> variants, std::vector<ShapeField> fields) {
  KernelFamily f;
  f.name = name;
  f.title = title;
  f.summary = summary;
  f.source = "bytes over a rate";
  f.variants = std::move(variants);
  f.fields = std::move(fields);
  f.shape_family = {f.fields.front().name};
  f.demands = hbm_demand;
  f.forms = {streaming(hbm_features)};
  return f;
}

}  // namespace

std::vector<KernelFamily> streaming_families() {
  KernelFamily elementwise = family("elementwise", "Elementwise, normalisation, cast, gather and scatter",
                                    "Kernels whose time is their bytes: every one read or written counts once.",
                                    {"norm", "cast", "swiglu", "residual", "rope", "transpose", "permute", "reduce", "other"},
                                    {bytes_field("bytes read and written"), sms_field()});
  KernelFamily router = family("router", "Top-k router", "Scores of all experts in FP32, the top k with their weights out (the product that gives the scores is a gemm).",
                               {"topk"},
                               {{"tokens", "tokens", -1, true, 1e9}, {"experts", "routed experts", -1, true, 1e6}, {"topk", "experts per token", 8, true, 1e4}});
  router.impossible = too_many_experts;
  KernelFamily memory = family("memory", "Memory test", "Copy, triad (two reads, one write) and read: all bytes moved count.", {"copy", "triad", "read"},
                               {bytes_field("bytes moved in all")});
  KernelFamily peer = family("peer_copy", "Copy to a peer GPU", "One GPU writes into another's memory over NVLink.", {"nvlink"}, {bytes_field("bytes sent")});
  peer.demands = link_demand;
  peer.forms = {streaming(link_features)};
  KernelFamily launch = family("launch", "Empty launches", "What starting a kernel costs when nothing hides it.", {"empty"}, {{"count", "launches", 1, true, 1e9}});
  launch.demands = no_demand;
  KernelForm each;
  each.name = "each";
  each.title = "a time a launch";
  each.formula = "t1 count";
  each.parameters = {{"t1", "us", "of one launch", 0.01, 200, 3}};
  each.features = count_features;
  each.time_us = count_time;
  each.figures = count_figures;
  launch.forms = {each};
  return {elementwise, router, memory, peer, launch};
}

}  // namespace weft::models
