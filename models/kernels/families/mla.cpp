// Multi-head latent attention, absorbed (576/512, one latent head for all query heads): decode over a paged cache, and prefill.
#include "models/kernels/support.h"

namespace weft::models {
namespace {

constexpr double kKey = 576, kValue = 512;   // latent + rope, latent: the widths of DeepSeek-V2 and V3
constexpr double kBlock = 64;                // tokens per page of the cache

double cache_bytes_per_token(const KernelCall& c) { return c.variant == "fp8_kv" ? kKey : 2 * kKey; }

/// Pairs of a query and a cached token, per head.
double pairs(const KernelCall& c) {
  if (c.family->name == "mla_decode") return c.get("batch") * c.get("s_q") * c.get("kv");
  const double seq = c.get("seq");
  return c.get("batch") * (seq * (seq + 1) / 2 + seq * c.get("prefix"));
}

double queries(const KernelCall& c) { return c.get("batch") * (c.family->name == "mla_decode" ? c.get("s_q") : c.get("seq")); }

double cached(const KernelCall& c) {
  return c.get("batch") * (c.family->name == "mla_decode" ? c.get("kv") : c.get("seq") + c.get("prefix"));
}

double flops(const KernelCall& c) { return 2 * c.get("heads") * pairs(c) * (kKey + kValue); }

double io_bytes(const KernelCall& c) { return queries(c) * c.get("heads") * (kKey + kValue) * 2; }

double sms(const KernelCall& c, const Gpu& gpu) { return c.family->name == "mla_decode" ? sms_of(c, gpu) : gpu.sms.value; }

std::vector<Demand> demands(const KernelCall& c, const Gpu& gpu) {
  return {{"tensor cores (BF16)", "FLOP", flops(c), gpu.bf16_rate.value.value() * sms(c, gpu) / gpu.sms.value},
          {"HBM", "B", cached(c) * cache_bytes_per_token(c) + io_bytes(c), gpu.hbm_rate.value.value()}};
}

// ---- FlashMLA's scheduler: requests' blocks of 64, each with a fixed overhead, dealt over parts of the GPU.
enum Scheduled { blocks_per_part, part_flop_us, part_move_us, sched_batch };

std::vector<double> scheduled_features(const KernelCall& c, const Gpu& gpu) {
  const double rows = c.get("heads") * c.get("s_q"), blocks = std::ceil(c.get("kv") / kBlock);
  const double parts = std::max(1.0, std::floor(sms(c, gpu) / std::ceil(rows / 64)));
  return {c.get("batch") * blocks / parts,
          64 * kBlock * (kKey + kValue) * 2 / (gpu.bf16_rate.value.value() / gpu.sms.value) * 1e6,
          kBlock * cache_bytes_per_token(c) * std::min(parts, c.get("batch") * blocks) / gpu.hbm_rate.value.value() * 1e6,   // idle parts read nothing
          c.get("batch") / parts};
}

double scheduled_time(const double* f, const double* p) {   // t0, efficiency, bandwidth, kappa
  const double block = std::max(f[part_flop_us] / p[1], f[part_move_us] / p[2]);
  return p[0] + (std::ceil(f[blocks_per_part] + p[3] * f[sched_batch]) + p[3]) * block;
}

std::vector<Figure> scheduled_figures(const double* f, const double* p) {
  return {{"blocks a part", "of 64 cached tokens, of all requests over the parts of the GPU", "", f[blocks_per_part]},
          {"computing a block", "64 rows x 64 tokens", "us", f[part_flop_us] / p[1]},
          {"moving a block", "at a part's share of HBM", "us", f[part_move_us] / p[2]},
          {"time", "t0 + (blocks + kappa (requests a part + 1)) x time of a block", "us", scheduled_time(f, p)}};
}

KernelForm scheduled() {
  KernelForm f;
  f.name = "flashmla";
  f.title = "FlashMLA's block scheduler";
  f.formula = "t0 + (ceil(blocks / parts + kappa requests / parts) + kappa) max(ideal / efficiency, bytes / (bandwidth HBM))";
  f.parameters = {{"t0", "us", "start of the kernel", 0.05, 60, 5},
                  {"efficiency", "", "of the tensor cores' BF16 peak", 0.02, 1, 0.6},
                  {"bandwidth", "", "of HBM's peak", 0.02, 1, 0.88},
                  {"kappa", "blocks", "overhead of a request, in blocks", 0.01, 60, 5}};
  f.features = scheduled_features;
  f.time_us = scheduled_time;
  f.figures = scheduled_figures;
  return f;
}

// ---- Soft maximum of computing, moving and the longest chain of one SM.
enum Soft { flop_us, move_us, chain, requests, tile_waves };

std::vector<double> soft_features(const KernelCall& c, const Gpu& gpu) {
  const bool decode = c.family->name == "mla_decode";
  const double per_request = decode ? c.get("s_q") : c.get("seq");
  const double tiles_each = std::ceil(per_request * c.get("heads") / 64), tiles = tiles_each * c.get("batch");
  const double length = decode ? c.get("kv") : c.get("seq") / 2 + c.get("prefix") + kBlock / 2;   // of the cache that a tile sees, mean
  const double n = sms(c, gpu), peak = gpu.bf16_rate.value.value() * n / gpu.sms.value;
  const double work = 2 * tiles * 64 * std::max(length, 32.0) * (kKey + kValue) / peak * 1e6;
  const double chain_blocks = decode ? tiles * std::ceil(c.get("kv") / kBlock) / n : std::ceil((c.get("seq") + c.get("prefix")) / kBlock);
  return {work, (cached(c) * cache_bytes_per_token(c) + io_bytes(c)) / gpu.hbm_rate.value.value() * 1e6, chain_blocks, c.get("batch"),
          std::ceil(tiles / n)};
}

double soft_time(const double* f, const double* p) {   // t0, efficiency, bandwidth, q, step, request, wave
  return p[0] + p[5] * f[requests] + soft_max({f[flop_us] / p[1], f[move_us] / p[2], p[4] * f[chain], p[6] * f[tile_waves]}, p[3]);
}

std::vector<Figure> soft_figures(const double* f, const double* p) {
  return {{"computing", "tiles of 64 rows, FLOP / (efficiency x peak)", "us", f[flop_us] / p[1]},
          {"moving", "cache, queries and outputs / (bandwidth x HBM)", "us", f[move_us] / p[2]},
          {"chain", "blocks of 64 one after the other on an SM", "us", p[4] * f[chain]},
          {"waves", "of tiles over the SMs", "us", p[6] * f[tile_waves]},
          {"all together", "[sum of the powers q]^(1/q)", "us", soft_time(f, p) - p[0] - p[5] * f[requests]},
          {"start", "t0 + request x requests", "us", p[0] + p[5] * f[requests]}};
}

KernelForm soft() {
  KernelForm f;
  f.name = "soft_roofline";
  f.title = "soft maximum of computing, moving and the longest chain";
  f.formula = "t0 + request batch + [(FLOP / (efficiency peak))^q + (bytes / (bandwidth HBM))^q + (step blocks)^q + (wave waves)^q]^(1/q)";
  f.parameters = {{"t0", "us", "start of the kernel", 0.05, 60, 10},
                  {"efficiency", "", "of the tensor cores' BF16 peak", 0.02, 1, 0.6},
                  {"bandwidth", "", "of HBM's peak", 0.02, 1, 0.85},
                  {"q", "", "how sharply the largest decides", 1, 8, 2},
                  {"step", "us", "of a block in the longest chain", 1e-4, 20, 0.4},
                  {"request", "us", "per request", 1e-5, 5, 0.03},
                  {"wave", "us", "per wave of tiles", 1e-4, 50, 1}};
  f.features = soft_features;
  f.time_us = soft_time;
  f.figures = soft_figures;
  return f;
}

}  // namespace

std::vector<KernelFamily> mla_families() {
  KernelFamily decode;
  decode.name = "mla_decode";
  decode.title = "MLA attention, decode";
  decode.summary = "Absorbed: every head attends to one latent of 576 (512 as value). The cache lies in pages of 64 tokens. fp8_kv: 576 B a token.";
  decode.source = "FlashMLA (github.com/deepseek-ai/FlashMLA)";
  decode.variants = {"bfloat16", "fp8_kv"};
  decode.fields = {{"batch", "requests", -1, true, 1e7},
                   {"heads", "query heads", -1, true, 1e5},
                   {"s_q", "query tokens per request", 1, true, 1e5},
                   {"kv", "cached tokens per request", -1, true, 1e9, 2},
                   sms_field()};
  decode.shape_family = {"batch", "heads"};
  decode.demands = demands;
  decode.forms = {soft(), scheduled()};
  KernelFamily prefill = decode;
  prefill.name = "mla_prefill";
  prefill.title = "MLA attention, prefill";
  prefill.summary = "Absorbed and causal: query i of a sequence attends to the prefix and to i + 1 tokens.";
  prefill.fields = {{"batch", "sequences", -1, true, 1e7},
                    {"heads", "query heads", -1, true, 1e5},
                    {"seq", "new tokens per sequence", -1, true, 1e9, 2},
                    {"prefix", "cached tokens per sequence", 0, true, 1e9}};
  prefill.forms = {soft()};
  return {decode, prefill};
}

}  // namespace weft::models
