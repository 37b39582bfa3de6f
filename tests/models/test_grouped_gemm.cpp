// grouped_gemm: one weight per expert; rows padded to 128 (contiguous) or in slots (masked).
#include <doctest/doctest.h>

#include "models/kernels/tiles.h"
#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

TEST_CASE("a grouped_gemm computes and moves as many times as it has groups") {
  const Gpu g = gpu();
  const KernelCall one = call("gemm", "fp8_block", {{"m", 8192}, {"n", 4096}, {"k", 7168}});
  const KernelCall four = call("grouped_gemm", "fp8_contiguous", {{"groups", 4}, {"m", 8192}, {"n", 4096}, {"k", 7168}});
  CHECK(demand(four, g, "tensor cores").amount == 4 * demand(one, g, "tensor cores").amount);
  CHECK(demand(four, g, "HBM").amount == 4 * demand(one, g, "HBM").amount);   // every group has its own weight
}

TEST_CASE("the mean of the rows of a group may be a fraction; every group then has a tile more or less") {
  const Gpu g = gpu();
  // 36864 rows over 4 experts of DeepSeek-V3's rank: 9216 a group; 31104 over 4: 7776 = 60.75 tiles of 128.
  const KernelCall c = call("grouped_gemm", "fp8_contiguous", {{"groups", 4}, {"m", 7776.5}, {"n", 4096}, {"k", 7168}, {"sms", 112}});
  CHECK(demand(c, g, "tensor cores").amount == 2.0 * 4 * 7776.5 * 4096 * 7168);
  CHECK(figure(c, "tile_128", {}, g, "tiles") == 4 * 61 * 32);
  CHECK(figure(c, "tile_128", {}, g, "waves") == std::ceil(4 * 61 * 32 / 112.0));
}

TEST_CASE("contiguous groups have tiles of 128 rows even for few tokens, masked ones of 64") {
  const Gpu g = gpu();
  const Shape few = {{"groups", 4}, {"m", 64}, {"n", 4096}, {"k", 7168}};
  for (const char* form : {"deepgemm_2025_02", "deepgemm_2025_04"}) {
    CHECK(figure(call("grouped_gemm", "fp8_contiguous", few), form, {}, g, "tile rows") == 128);
    CHECK(figure(call("grouped_gemm", "fp8_masked", few), form, {}, g, "tile rows") == 64);
  }
  // 4 groups x 1 row of tiles over 132 SMs: 4 x 32 tiles of 128 columns are one wave of 128; 120 columns: 4 x 35 = 140, two waves.
  const Tiling t = deepgemm_2025_02_tiling(4, 64, 4096, 132, true);
  CHECK(t.columns == 128);
  CHECK(t.tiles == 128);
  CHECK(t.waves == 1);
}

TEST_CASE("groups of DeepGEMM's table of 2025-02-25 take twice the time of half their number, as the parameters E-v1 have it") {
  const Gpu g = gpu();
  // The table has 4 x 8192 and 8 x 4096 rows at n = 4096, k = 7168: the same operations, tiles and waves; only weights differ (by 4 x 29 MB).
  const auto us = [&](double groups, double m) {
    return time_us(call("grouped_gemm", "fp8_contiguous", {{"groups", groups}, {"m", m}, {"n", 4096}, {"k", 7168}}), "deepgemm_2025_02", {}, g);
  };
  CHECK(us(8, 4096) > us(4, 8192));
  CHECK(us(8, 4096) < us(4, 8192) * 1.03);
  CHECK(us(8, 8192) == doctest::Approx(2 * us(4, 8192)).epsilon(0.01));
}
