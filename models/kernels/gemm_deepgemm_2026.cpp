// DeepGEMM of 2026 as SGLang calls it: what its own estimate leaves out, each effect with one constant. Found in the residuals of one half
// of the (n, k) pairs of measured tables and held against the other half:
//  * the activation arrives in BF16 and is cast first: 3 bytes an element, one after the other with the multiplication;
//  * a tile without multicast whose two sets of accumulators take 160 registers or more a thread spills;
//  * tiles whose columns share only 16 with a scale block of 128 run an extra branch a block;
//  * a block takes no less than what it moves through shared memory and L2;
//  * rows out of bounds of the last tile are loaded slowly;
//  * long kernels run at a lower clock.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/kernels/gemm_forms.h"
#include "models/kernels/tiles.h"

namespace weft::models {
namespace {

enum Feature { waves, blocks, ideal_us, area, memory_us, cast_us, l1, l2, narrow, spills, spills_much, multicast, padding, unaligned, tile_rows,
               tile_columns, tile_count };
enum Parameter { t0, efficiency, bandwidth, te, q, tau, l1_cost, l2_rate, cast, branch, spill, spill_much, cluster, oob, odd, hot, warm_up };

double power(double x, double y) { return std::pow(x, y); }

struct Parts {
  double block, computing, moving, casting, start;
};

Parts parts_of(const double* f, const double* p) {
  double mma = f[ideal_us] / p[efficiency];
  if (f[narrow] > 0) mma *= p[branch];
  if (f[spills] > 0) mma *= p[spill];
  if (f[spills_much] > 0) mma *= p[spill_much];
  const double floor = p[tau] + p[l1_cost] * f[l1], load = f[l2] / p[l2_rate];
  const auto fourth = [](double x) { return x * x * x * x; };
  Parts r;
  r.block = std::sqrt(std::sqrt(fourth(mma) + fourth(floor) + fourth(load)));
  const double busy = f[waves] * f[blocks] * mma;
  r.computing = (f[waves] * (f[blocks] * r.block + p[te] * f[area]) + p[oob] * f[padding]) * (1 + p[hot] * busy / (busy + p[warm_up]));
  r.moving = f[memory_us] / p[bandwidth];
  r.casting = f[cast_us] / p[cast];
  r.start = p[t0] + p[cluster] * f[multicast] + p[odd] * f[unaligned];
  return r;
}

double together(const Parts& r, double sharpness) {
  const double larger = std::max(r.computing, r.moving), smaller = std::min(r.computing, r.moving);
  return larger * power(1 + power(smaller / larger, sharpness), 1 / sharpness);
}

}  // namespace

std::vector<FormParameter> deepgemm_2026_parameters() {
  return {{"t0", "us", "start of both kernels", 0.05, 30, 3.6},
          {"efficiency", "", "of the tensor cores' peak, inside a tile", 0.05, 1, 0.86},
          {"bandwidth", "", "of HBM's peak", 0.05, 1, 0.87},
          {"te", "us", "prologue and epilogue of a tile of 128 x 128", 0.001, 20, 0.7},
          {"q", "", "how sharply the larger of computing and moving decides", 1, 8, 2.2},
          {"tau", "us", "least time of a block of 128 along k", 0.001, 2, 0.1},
          {"l1", "us", "per 128 bytes through shared memory in a block", 1e-6, 0.02, 0.0003},
          {"l2", "kB/us", "from L2 to one SM", 5, 2000, 95},
          {"cast", "", "of HBM's peak, while the activation is cast", 0.05, 4, 0.95},
          {"branch", "x", "blocks of tiles whose columns share only 16 with a scale block", 1, 3, 1.27},
          {"spill", "x", "blocks of tiles of 160 accumulators and no multicast", 1, 6, 1.8},
          {"spill_much", "x", "blocks of tiles of 192 accumulators or more and no multicast", 1, 12, 4.5},
          {"cluster", "us", "start of a kernel with multicast", 0.001, 20, 2.5},
          {"oob", "us", "per row out of bounds and block", 1e-6, 0.02, 0.0005},
          {"odd", "us", "more when m is no multiple of 4", 0.001, 10, 0.3},
          {"hot", "", "how much longer blocks take in a long kernel", 0.001, 1.5, 0.3},
          {"warm_up", "us", "of computing, until half of that is reached", 20, 50000, 2100}};
}

std::vector<double> deepgemm_2026_features(const GemmShape& s, const Gpu& gpu) {
  const Tiling t = deepgemm_2026_tiling(s.groups, s.m, s.n, s.k, s.sms, s.contiguous, s.masked);
  const double per_sm = s.peak / s.all_sms * 1e-6;
  const double hbm = gpu.hbm_rate.value.value() * 1e-6;   // bytes per microsecond
  const double compute_rows = std::max(64.0, t.rows);
  const double accumulators = 2 * (t.rows >= 256 ? 128 : 64) * t.columns / 128;
  const double k_blocks = std::ceil(s.k / 128), row_tiles = std::ceil(s.m / t.rows);
  const auto shared = std::gcd(static_cast<int>(t.columns), 128);
  return {t.waves,
          k_blocks,
          2 * compute_rows * t.columns * 128 / per_sm,
          t.rows * t.columns / (128 * 128),
          gemm_bytes(s) / hbm,
          s.casts ? 3 * s.groups * s.m * s.k / hbm : 0,
          t.rows + t.columns + compute_rows + t.columns,
          128 * (t.rows / t.shared_columns + t.columns / t.shared_rows) * std::min(t.tiles, s.sms) / s.sms * 1e-3,
          shared == 16 && t.columns > 16 ? 1.0 : 0.0,
          !t.multicast && accumulators >= 160 && accumulators < 192 ? 1.0 : 0.0,
          !t.multicast && accumulators >= 192 ? 1.0 : 0.0,
          t.multicast ? 1.0 : 0.0,
          k_blocks * (row_tiles * t.rows - s.m) * std::max(1.0, t.waves / row_tiles),
          std::fmod(s.m, 4) != 0 ? 1.0 : 0.0,
          t.rows,
          t.columns,
          t.tiles};
}

double deepgemm_2026_time(const double* f, const double* p) {
  const Parts r = parts_of(f, p);
  return r.start + r.casting + together(r, p[q]);
}

std::vector<Figure> deepgemm_2026_figures(const double* f, const double* p) {
  const Parts r = parts_of(f, p);
  return {{"tile rows", "of the output, per SM", "", f[tile_rows]},
          {"tile columns", "of the output, per SM", "", f[tile_columns]},
          {"multicast", "two SMs share a load", "", f[multicast]},
          {"tiles", "in all", "", f[tile_count]},
          {"waves", "tiles over SMs, rounded up", "", f[waves]},
          {"blocks", "of 128 along k", "", f[blocks]},
          {"time of a block", "computing, shared memory or L2, with branches and spills", "us", r.block},
          {"computing", "all waves, out-of-bounds rows, at the clock of long kernels", "us", r.computing},
          {"moving", "bytes / (bandwidth x HBM)", "us", r.moving},
          {"both together", "[computing^q + moving^q]^(1/q)", "us", together(r, p[q])},
          {"cast", "of the activation to FP8", "us", r.casting},
          {"start", "t0, multicast, odd m", "us", r.start}};
}

std::vector<double> deepgemm_2026_place(const double* f) {
  return {std::log2(f[tile_rows]), std::log2(f[tile_columns]), std::log2(f[waves])};
}

}  // namespace weft::models
