// DeepEP's kernels as measured times: normal dispatch and combine on g SMs, and the low-latency pair.
#include "models/kernels/support.h"

namespace weft::models {
namespace {

constexpr double kRanksPerNode = 8;

bool combine(const KernelCall& c) { return c.family->name.find("combine") != std::string::npos; }
bool low_latency(const KernelCall& c) { return c.family->name.find("_ll_") != std::string::npos; }

/// Bytes of one token: FP8 with scales out, BF16 back (DeepSeek-V3 report, section 3.3.3).
double token_bytes(const KernelCall& c) { return c.get("hidden") * (combine(c) ? 2.0 : 1.0 + 4.0 / 128); }

double ranks(const KernelCall& c) { return kRanksPerNode * c.get("nodes"); }

/// Nodes that a token goes to, mean, when its experts are drawn evenly among those that the gate admits.
double nodes_reached(const KernelCall& c) {
  const double nodes = c.get("nodes"), even = nodes * (1 - std::pow(1 - 1 / nodes, c.get("topk")));
  const double limit = low_latency(c) || c.get("node_limit") <= 0 ? nodes : c.get("node_limit");
  return std::min(even, limit);
}

double other_nodes(const KernelCall& c) { return nodes_reached(c) * (c.get("nodes") - 1) / c.get("nodes"); }

/// Ranks that a token goes to, mean.
double destinations(const KernelCall& c) { return ranks(c) * (1 - std::pow(1 - 1 / ranks(c), c.get("topk"))); }

/// Copies of a token that leave the GPU over NVLink. Normal kernels cross the network once a node and fan out there; low-latency ones use NVLink
/// inside the node only.
double over_nvlink(const KernelCall& c) {
  if (low_latency(c)) return c.get("topk") * (kRanksPerNode - 1) / ranks(c);
  return destinations(c) * (kRanksPerNode - 1) / kRanksPerNode;
}

/// Copies of a token that cross the network.
double over_network(const KernelCall& c) {
  return low_latency(c) ? c.get("topk") * (c.get("nodes") - 1) / c.get("nodes") : other_nodes(c);
}

std::vector<Demand> demands(const KernelCall& c, const Gpu& gpu) {
  std::vector<Demand> d = {{"NVLink", "B", c.get("tokens") * over_nvlink(c) * token_bytes(c), gpu.nvlink_rate.value.value()}};
  if (c.get("nodes") > 1) d.push_back({"NIC", "B", c.get("tokens") * over_network(c) * token_bytes(c), gpu.nic_rate.value.value()});
  return d;
}

std::string impossible(const KernelCall& c, const Gpu&) {
  return c.get("topk") > c.get("experts") ? "a token cannot go to more experts than there are" : "";
}

enum Feature { sm_pairs, sm_bytes, link_us, nic_us, experts_, serial };

std::vector<double> features(const KernelCall& c, const Gpu& gpu) {
  const double pairs = c.get("tokens") * (low_latency(c) ? c.get("topk") : destinations(c));
  const double sms = low_latency(c) ? gpu.sms.value : std::max(1.0, c.get("sms"));
  const double link = gpu.nvlink_rate.value.value(), nic = gpu.nic_rate.value.value(), bytes = c.get("tokens") * token_bytes(c) * 1e6;
  const double per_expert = c.get("tokens") * ranks(c) * c.get("topk") / c.get("experts") * token_bytes(c);
  return {pairs / sms, pairs * token_bytes(c) / sms * 1e-3, link > 0 ? over_nvlink(c) * bytes / link : 0, nic > 0 ? over_network(c) * bytes / nic : 0,
          c.get("experts"), per_expert * 1e-3};
}

double normal_time(const double* f, const double* p) {   // t0, pair, rate, bandwidth, nic, q
  return p[0] + soft_max({p[1] * f[sm_pairs] + f[sm_bytes] / p[2], f[link_us] / p[3], f[nic_us] / p[4]}, p[5]);
}

std::vector<Figure> normal_figures(const double* f, const double* p) {
  return {{"SMs", "pair x tokens + bytes / rate, over the SMs", "us", p[1] * f[sm_pairs] + f[sm_bytes] / p[2]},
          {"NVLink", "bytes / (bandwidth x NVLink)", "us", f[link_us] / p[3]},
          {"NIC", "bytes to other nodes / (nic x NIC)", "us", f[nic_us] / p[4]},
          {"start", "t0", "us", p[0]},
          {"time", "t0 + [sum of the powers q]^(1/q)", "us", normal_time(f, p)}};
}

double low_latency_time(const double* f, const double* p) {   // t0, expert, bandwidth, nic, serial, q
  return p[0] + p[1] * f[experts_] + soft_max({f[link_us] / p[2], f[nic_us] / p[3], f[serial] / p[4]}, p[5]);
}

std::vector<Figure> low_latency_figures(const double* f, const double* p) {
  return {{"NVLink", "bytes / (bandwidth x NVLink)", "us", f[link_us] / p[2]},
          {"NIC", "bytes to other nodes / (nic x NIC)", "us", f[nic_us] / p[3]},
          {"one expert", "bytes for it / serial", "us", f[serial] / p[4]},
          {"start", "t0 + expert x experts", "us", p[0] + p[1] * f[experts_]},
          {"time", "start + [sum of the powers q]^(1/q)", "us", low_latency_time(f, p)}};
}

KernelForm normal_form() {
  KernelForm f;
  f.name = "sms_and_links";
  f.title = "what the SMs copy against the links";
  f.formula = "t0 + [(pair tokens / SMs + bytes / (rate SMs))^q + (bytes / (bandwidth NVLink))^q + (bytes / (nic NIC))^q]^(1/q)";
  f.parameters = {{"t0", "us", "start", 0.5, 200, 25},
                  {"pair", "us", "per token and destination on an SM", 1e-4, 5, 0.1},
                  {"rate", "kB/us", "that an SM copies", 0.5, 500, 25},
                  {"bandwidth", "", "of NVLink's rate", 0.02, 2, 0.85},
                  {"nic", "", "of the NIC's rate", 0.02, 1, 0.85},
                  {"q", "", "how sharply the largest decides", 1, 8, 3}};
  f.features = features;
  f.time_us = normal_time;
  f.figures = normal_figures;
  return f;
}

KernelForm low_latency_form() {
  KernelForm f;
  f.name = "messages";
  f.title = "messages over the links, unpacked expert by expert";
  f.formula = "t0 + expert experts + [(bytes / (bandwidth NVLink))^q + (bytes / (nic NIC))^q + (bytes per expert / serial)^q]^(1/q)";
  f.parameters = {{"t0", "us", "start", 0.5, 300, 9},
                  {"expert", "us", "per expert", 1e-5, 1, 0.01},
                  {"bandwidth", "", "of NVLink's rate", 0.02, 2, 0.6},
                  {"nic", "", "of the NIC's rate", 0.02, 1, 0.8},
                  {"serial", "kB/us", "unpacked for one expert", 0.5, 5000, 50},
                  {"q", "", "how sharply the largest decides", 1, 8, 2}};
  f.features = features;
  f.time_us = low_latency_time;
  f.figures = low_latency_figures;
  return f;
}

KernelFamily family(const char* name, const char* title, const char* summary, bool with_sms) {
  KernelFamily f;
  f.name = name;
  f.title = title;
  f.summary = summary;
  f.source = "DeepEP (github.com/deepseek-ai/DeepEP)";
  f.variants = {with_sms ? "normal" : "low_latency"};
  f.fields = {{"nodes", "of eight GPUs", 1, true, 1e5},
              {"hidden", "width of the model", -1, true, 1e6},
              {"tokens", "of this GPU", -1, true, 1e9, 2},
              {"topk", "experts per token", -1, true, 1e4},
              {"experts", "routed experts in all", -1, true, 1e6}};
  if (with_sms) {
    f.fields.push_back({"sms", "SMs of the kernel", -1, true, 1e5});
    f.fields.push_back({"node_limit", "nodes that the gate lets a token go to (DeepSeek-V3: 4); 0: no limit", 4, true, 1e5, 0, true});
  }
  f.shape_family = {"hidden", "topk", "experts"};
  f.demands = demands;
  f.impossible = impossible;
  f.forms = {with_sms ? normal_form() : low_latency_form()};
  return f;
}

}  // namespace

std::vector<KernelFamily> deepep_families() {
  return {family("deepep_dispatch", "DeepEP dispatch, normal", "Tokens go to the ranks of their experts, FP8 with scales: once a node over the NIC, then over NVLink.", true),
          family("deepep_combine", "DeepEP combine, normal", "The experts' outputs come back and are added, in BF16.", true),
          family("deepep_ll_dispatch", "DeepEP dispatch, low latency", "Every token goes to every of its experts, without forwarding; FP8.", false),
          family("deepep_ll_combine", "DeepEP combine, low latency", "The outputs come back, in BF16.", false)};
}

}  // namespace weft::models
