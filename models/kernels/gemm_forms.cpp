#include "models/kernels/gemm_forms.h"

#include <algorithm>
#include <cmath>

namespace weft::models {

double gemm_flops(const GemmShape& s) { return 2 * s.groups * s.m * s.n * s.k; }

double gemm_bytes(const GemmShape& s) {
  return s.groups * ((s.m * s.k + s.n * s.k) * s.input_bytes + s.m * s.n * s.output_bytes);
}

std::vector<Demand> gemm_demands(const GemmShape& s, const Gpu& gpu, const std::string& cores) {
  return {{"tensor cores (" + cores + ")", "FLOP", gemm_flops(s), s.peak * s.sms / s.all_sms},
          {"HBM", "B", gemm_bytes(s), gpu.hbm_rate.value.value()}};
}

namespace {
enum WaveFeature { waves, blocks, ideal_us, area, memory_us, tile_rows, tile_columns, tile_count };
enum WaveParameter { t0, efficiency, bandwidth, te, q, tau };
}  // namespace

std::vector<FormParameter> wave_parameters() {
  return {{"t0", "us", "start of the kernel", 0.05, 30, 1.5},
          {"efficiency", "", "of the tensor cores' peak, inside a tile", 0.05, 1, 0.72},
          {"bandwidth", "", "of HBM's peak", 0.05, 1, 0.87},
          {"te", "us", "prologue and epilogue of a tile of 128 x 128", 0.001, 20, 1.5},
          {"q", "", "how sharply the larger of computing and moving decides", 1, 8, 2.2},
          {"tau", "us", "least time of a block of 128 along k", 0.001, 0.25, 0.1}};
}

std::vector<double> wave_features(const GemmShape& s, const Gpu& gpu, double rows, double columns, double w, double tiles) {
  const double per_sm = s.peak / s.all_sms * 1e-6;   // FLOP per microsecond
  return {w, std::ceil(s.k / 128), 2 * rows * columns * 128 / per_sm, rows * columns / (128 * 128),
          gemm_bytes(s) / gpu.hbm_rate.value.value() * 1e6, rows, columns, tiles};
}

double wave_time(const double* f, const double* p) {
  const double compute = f[waves] * (f[blocks] * std::max(f[ideal_us] / p[efficiency], p[tau]) + p[te] * f[area]);
  const double memory = f[memory_us] / p[bandwidth];
  const double larger = std::max(compute, memory), smaller = std::min(compute, memory);
  return p[t0] + larger * std::pow(1 + std::pow(smaller / larger, p[q]), 1 / p[q]);
}

std::vector<Figure> wave_figures(const double* f, const double* p) {
  const double block = std::max(f[ideal_us] / p[efficiency], p[tau]);
  const double compute = f[waves] * (f[blocks] * block + p[te] * f[area]), memory = f[memory_us] / p[bandwidth];
  return {{"tile rows", "of the output, per SM", "", f[tile_rows]},
          {"tile columns", "of the output, per SM", "", f[tile_columns]},
          {"tiles", "in all", "", f[tile_count]},
          {"waves", "tiles over SMs, rounded up", "", f[waves]},
          {"blocks", "of 128 along k", "", f[blocks]},
          {"time of a block", "max(ideal / efficiency, tau)", "us", block},
          {"computing", "waves (blocks x time of a block + te x area)", "us", compute},
          {"moving", "bytes / (bandwidth x HBM)", "us", memory},
          {"both together", "[computing^q + moving^q]^(1/q)", "us", wave_time(f, p) - p[t0]},
          {"start", "t0", "us", p[t0]}};
}

std::vector<double> wave_place(const double* f) { return {std::log2(f[tile_rows]), std::log2(f[tile_columns]), std::log2(f[waves])}; }

}  // namespace weft::models
