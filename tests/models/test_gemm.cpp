// Dense GEMM and weight gradient: operations and bytes, tile rules against worked examples, published parameter sets against published times.
#include <doctest/doctest.h>

#include "models/kernels/tiles.h"
#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

/// compute.md 3.2 gives rates in FLOP/s of 132 SMs and B/s; the formula takes parts of the GPU's peaks.
Named wave(const Gpu& g, double t0, double tflops, double gbps, double te, double q, double tau) {
  return {{"t0", t0}, {"efficiency", tflops * 1e12 / g.fp8_rate.value.value()}, {"bandwidth", gbps * 1e9 / g.hbm_rate.value.value()},
          {"te", te}, {"q", q}, {"tau", tau}};
}

}  // namespace

TEST_CASE("a gemm computes 2 m n k and moves both inputs and the output once") {
  const Gpu g = gpu();
  const KernelCall c = call("gemm", "fp8_block", {{"m", 4096}, {"n", 7168}, {"k", 16384}});
  // 2 x 4096 x 7168 x 16384 = 962,072,674,304; 4096 x 16384 + 7168 x 16384 + 2 x 4096 x 7168 = 243,269,632.
  CHECK(demand(c, g, "tensor cores").amount == 962'072'674'304.0);
  CHECK(demand(c, g, "HBM").amount == 243'269'632.0);
  CHECK(demand(c, g, "tensor cores").rate == g.fp8_rate.value.value());
  CHECK(roofline(c, g).value() == doctest::Approx(962'072'674'304.0 / g.fp8_rate.value.value()));
  // BF16: two bytes an input element, half the rate; the output has two bytes in either.
  const KernelCall b = call("gemm", "bfloat16", {{"m", 4096}, {"n", 7168}, {"k", 16384}});
  CHECK(demand(b, g, "HBM").amount == 2 * 243'269'632.0 - 2.0 * 4096 * 7168);
  CHECK(demand(b, g, "tensor cores (BF16)").rate == g.bf16_rate.value.value());
}

TEST_CASE("SMs taken from a gemm take their part of the tensor cores, not of HBM") {
  const Gpu g = gpu();
  const KernelCall all = call("gemm", "fp8_block", {{"m", 4096}, {"n", 7168}, {"k", 2048}});
  const KernelCall some = call("gemm", "fp8_block", {{"m", 4096}, {"n", 7168}, {"k", 2048}, {"sms", 108}});
  CHECK(demand(some, g, "tensor cores").rate == doctest::Approx(demand(all, g, "tensor cores").rate * 108 / 132));
  CHECK(demand(some, g, "HBM").rate == demand(all, g, "HBM").rate);
}

TEST_CASE("a weight gradient reads and writes its FP32 output") {
  const Gpu g = gpu();
  const KernelCall c = call("gemm_wgrad", "fp8_block", {{"m", 7168}, {"n", 2048}, {"k", 4096}});
  // (7168 + 2048) 4096 + 8 x 7168 x 2048
  CHECK(demand(c, g, "HBM").amount == 37'748'736.0 + 117'440'512.0);
  CHECK(demand(c, g, "tensor cores").amount == 2.0 * 7168 * 2048 * 4096);
}

TEST_CASE("DeepGEMM's rule of February 2025: fewest waves, then the fullest last one, then the widest") {
  // 64 x 2112 over 132 SMs: every width gives one wave; 16 columns give 132 tiles, a full one.
  const Tiling narrow = deepgemm_2025_02_tiling(1, 64, 2112, 132, false);
  CHECK(narrow.rows == 64);
  CHECK(narrow.columns == 16);
  CHECK(narrow.tiles == 132);
  CHECK(narrow.waves == 1);
  // 128 x 7168: 48 columns give 150 tiles (two waves), 56 give 128, 64 give 112.
  const Tiling middle = deepgemm_2025_02_tiling(1, 128, 7168, 132, false);
  CHECK(middle.rows == 128);
  CHECK(middle.columns == 56);
  CHECK(middle.waves == 1);
  // 4096 x 24576: 32 x 192 tiles of 128 columns: 6144 = 46 x 132 + 72; 120 columns: 6560, 50 waves.
  const Tiling wide = deepgemm_2025_02_tiling(1, 4096, 24576, 132, false);
  CHECK(wide.columns == 128);
  CHECK(wide.waves == 47);
  // Of April: 160 columns: 32 x 154 = 4928, 38 waves; 144: 5472, 42.
  const Tiling april = deepgemm_2025_04_tiling(1, 4096, 24576, 132, false);
  CHECK(april.columns == 160);
  CHECK(april.waves == 38);
}

TEST_CASE("fewer SMs mean more waves: q_b of DeepSeek-V3 on 112 SMs") {
  CHECK(fixed_tiling(1, 4096, 24576, 112).tiles == 6144);
  CHECK(fixed_tiling(1, 4096, 24576, 112).waves == 55);   // 54.9
  CHECK(fixed_tiling(1, 4096, 24576, 132).waves == 47);   // 46.5
}

TEST_CASE("DeepGEMM's rule of 2026 keeps to what the kernel can do") {
  for (double m = 1; m <= 16384; m *= 2) {
    for (const double n : {128.0, 576.0, 2112.0, 7168.0, 24576.0}) {
      for (const double sms : {132.0, 113.0}) {
        CAPTURE(m);
        CAPTURE(n);
        const Tiling t = deepgemm_2026_tiling(1, m, n, 7168, sms, false, false);
        CHECK(t.tiles == std::ceil(m / t.rows) * std::ceil(n / t.columns));
        CHECK(t.waves == std::ceil(t.tiles / sms));
        if (sms == 113) CHECK(!t.multicast);                  // pairs of SMs need an even number of them
        if (t.multicast) CHECK(t.waves > 1);
        CHECK((t.rows >= 64 || m <= t.rows));                 // small tiles only for as few rows
        CHECK((t.rows <= 128 || t.columns <= 128));           // accumulators
        CHECK(deepgemm_2026_tiling(4, m, n, 7168, sms, true, false).rows == 128);
        const double masked = deepgemm_2026_tiling(4, m, n, 7168, sms, false, true).rows;
        CHECK((masked == 64 || masked == 128));
      }
    }
  }
}

TEST_CASE("the tiled formula, worked out: 64 x 2112 x 7168 with DeepGEMM's parameters of compute.md") {
  const Gpu g = gpu();
  const Named e = wave(g, 1.045, 1439.8, 2906, 1.884, 2.195, 0.128);
  const KernelCall c = call("gemm", "fp8_block", {{"m", 64}, {"n", 2112}, {"k", 7168}});
  // A block of a tile: 2 x 64 x 16 x 128 / (1439.8e12 / 132) = 0.024 us, below tau; 56 tau + 1.884 x 64 x 16 / 128^2 = 7.28575 us.
  CHECK(figure(c, "deepgemm_2025_02", e, g, "time of a block") == doctest::Approx(0.128));
  CHECK(figure(c, "deepgemm_2025_02", e, g, "computing") == doctest::Approx(7.28575));
  // (64 x 7168 + 2112 x 7168 + 2 x 64 x 2112) B / 2906 GB/s
  CHECK(figure(c, "deepgemm_2025_02", e, g, "moving") == doctest::Approx(15'867'904.0 / 2906e3));
  // 1.045 + (7.28575^2.195 + 5.46039^2.195)^(1/2.195); printed: 206 TFLOPS = 9.41 us
  CHECK(time_us(c, "deepgemm_2025_02", e, g) == doctest::Approx(1.045 + std::pow(std::pow(7.28575, 2.195) + std::pow(5.46039, 2.195), 1 / 2.195)));
}

TEST_CASE("C061's neighbourhood: the parameters E-v1 err by 3.31 % (mean) and 10.45 % (largest) on DeepGEMM's table of 2025-02-25") {
  const Gpu g = gpu();
  const Measurements table = shipped_measurements("deepgemm_2025_02_25");
  const ErrorStatistics e = errors_of(table.rows, "deepgemm_2025_02", wave(g, 1.045, 1439.8, 2906, 1.884, 2.195, 0.128), g);
  CHECK(e.rows == 28);
  CHECK(std::abs(e.mean_pct - 3.31) < 0.005);
  CHECK(std::abs(e.max_pct - 10.45) < 0.005);
}

TEST_CASE("E-v3 errs by 4.7 % and 15.3 % on DeepGEMM's table of 2025-04-09, whose tiles have up to 160 columns") {
  const Gpu g = gpu();
  const Measurements table = shipped_measurements("deepgemm_2025_04_09");
  const ErrorStatistics e = errors_of(table.rows, "deepgemm_2025_04", wave(g, 1.461, 1471.4, 3010, 0.854, 1.871, 0.111), g);
  CHECK(e.rows == 28);
  CHECK(std::abs(e.mean_pct - 4.7) < 0.05);
  CHECK(std::abs(e.max_pct - 15.3) < 0.05);
}

TEST_CASE("C059: T-FB errs by 2.6 % (mean) and 8.40 % (largest) on the 80 forward and input-gradient GEMMs of DeepSeek's training") {
  const Gpu g = gpu();
  const std::vector<Measurement> rows = select(shipped_measurements("deepseek_v3_training_h800").rows, [](const Measurement& m) {
    return (m.family == "gemm" && m.variant == "fp8_block") || m.family == "grouped_gemm";
  });
  const ErrorStatistics e = errors_of(rows, "tile_128", wave(g, 3.176, 1318.8, 3000, 1.449, 2.2, 0.009), g);
  CHECK(e.rows == 80);
  CHECK(std::abs(e.mean_pct - 2.6) < 0.05);   // its parameters are printed with four digits, the mean with two
  CHECK(std::abs(e.max_pct - 8.40) < 0.005);
}

TEST_CASE("T-W errs by 3.2 % and 6.9 % on the 20 weight gradients of attention") {
  const Gpu g = gpu();
  const std::vector<Measurement> rows = select(shipped_measurements("deepseek_v3_training_h800").rows, [](const Measurement& m) {
    return m.family == "gemm_wgrad" && m.variant == "fp8_block" && has(m.label, "attn(W)");
  });
  const ErrorStatistics e = errors_of(rows, "tile_128", wave(g, 1.193, 871.3, 3000, 1.362, 2.2, 0.009), g);
  CHECK(e.rows == 20);
  CHECK(std::abs(e.mean_pct - 3.2) < 0.05);
  CHECK(std::abs(e.max_pct - 6.9) < 0.05);
}
