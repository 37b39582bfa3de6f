// The CPU references of the CUDA module against closed forms, and the narrow numbers that they are made of.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include "models/calibration/cuda/numbers.h"
#include "models/calibration/cuda/reference/gemm.h"
#include "models/calibration/cuda/reference/mla.h"
#include "models/calibration/cuda/reference/rows.h"

using namespace weft::cuda;

TEST_CASE("E4M3 has the values of its definition") {
  CHECK(from_e4m3(0x00) == 0.0f);
  CHECK(from_e4m3(0x01) == 0x1p-9f);    // the smallest: 2^-6 / 8
  CHECK(from_e4m3(0x08) == 0x1p-6f);    // the smallest normal one
  CHECK(from_e4m3(0x38) == 1.0f);
  CHECK(from_e4m3(0xb8) == -1.0f);
  CHECK(from_e4m3(0x7e) == 448.0f);     // the largest: 2^8 x 1.75
  CHECK(std::isnan(from_e4m3(0x7f)));
  CHECK(std::isnan(from_e4m3(0xff)));
}

TEST_CASE("every E4M3 value is rounded to itself, and what lies between two goes to the nearer, in the middle to the even one") {
  for (int code = 0; code < 0x7e; ++code) {
    const float low = from_e4m3(static_cast<std::uint8_t>(code)), high = from_e4m3(static_cast<std::uint8_t>(code + 1));
    CHECK(to_e4m3(low) == code);
    CHECK(to_e4m3(-low) == (code | 0x80));
    CHECK(to_e4m3(low + 0.49f * (high - low)) == code);
    CHECK(to_e4m3(low + 0.51f * (high - low)) == code + 1);
    CHECK(to_e4m3(low + 0.5f * (high - low)) == (code % 2 == 0 ? code : code + 1));
  }
  CHECK(to_e4m3(1e6f) == 0x7e);
  CHECK(to_e4m3(-1e6f) == 0xfe);
}

TEST_CASE("BF16 is rounded to the nearest, in the middle to the even one") {
  CHECK(to_bf16(1.0f) == 0x3f80);
  CHECK(from_bf16(0x3f80) == 1.0f);
  CHECK(to_bf16(1.0f + 0x1p-8f) == 0x3f80);              // half a step: to the even one
  CHECK(to_bf16(1.0f + 3 * 0x1p-8f) == 0x3f82);
  CHECK(to_bf16(1.0f + 0x1p-8f + 0x1p-20f) == 0x3f81);
  CHECK(to_bf16(-2.5f) == 0xc020);
}

TEST_CASE("block scales lie where cuBLASLt looks for them") {
  // 1x128 of 12 rows and k = 300: three blocks of k, rows contiguous.
  CHECK(vec128_count(12, 300) == 36);
  CHECK(vec128_at(5, 0, 12) == 5);
  CHECK(vec128_at(5, 2, 12) == 29);
  // 128x128 of 300 rows and k = 640: five blocks of k, padded to eight.
  CHECK(blk128_count(300, 640) == 3 * 8);
  CHECK(blk128_at(127, 4, 640) == 4);
  CHECK(blk128_at(128, 4, 640) == 12);
  CHECK(blk128_at(299, 0, 640) == 16);
  // Every block has a place of its own.
  std::set<std::int64_t> places;
  for (std::int64_t row = 0; row < 300; row += 128) {
    for (std::int64_t b = 0; b < 5; ++b) places.insert(blk128_at(row, b, 640));
  }
  CHECK(places.size() == 15);
}

TEST_CASE("a block-scaled product of ones is the sum of the products of the scales") {
  // k = 256: two blocks, scales 2 and 3 for a, 5 and 7 for b: 128 (2 x 5 + 3 x 7).
  const std::vector<std::uint8_t> ones(256, 0x38);
  const auto a = values_of(ones, [](std::int64_t block) { return block == 0 ? 2.0 : 3.0; });
  const auto b = values_of(ones, [](std::int64_t block) { return block == 0 ? 5.0 : 7.0; });
  CHECK(dot(a, b).value == 128.0 * (2 * 5 + 3 * 7));
  CHECK(dot(a, b).size == doctest::Approx(std::sqrt(128.0 * (100 + 441))));
}

TEST_CASE("attention over equal keys gives the mean of the values, whatever the query") {
  // Values are the first columns of the keys; the keys agree where the query is not zero.
  const std::vector<std::uint16_t> query = {to_bf16(0), to_bf16(0), to_bf16(3)};
  const std::vector<std::vector<std::uint16_t>> keys = {{to_bf16(1), to_bf16(2), to_bf16(4)}, {to_bf16(3), to_bf16(6), to_bf16(4)}};
  CHECK(attention_row(query, keys, 2, 0.5) == std::vector<double>{2, 4});
}

TEST_CASE("attention to a key that scores far above the others gives its value") {
  const std::vector<std::uint16_t> query = {to_bf16(100)};
  const std::vector<std::vector<std::uint16_t>> keys = {{to_bf16(1)}, {to_bf16(9)}, {to_bf16(-3)}};
  CHECK(attention_row(query, keys, 1, 1)[0] == doctest::Approx(9));
  // Two keys that differ by log 3 / (scale x query): weights 3/4 and 1/4.
  const double scale = std::log(3.0) / (100 * 8);
  CHECK(attention_row(query, {keys[0], keys[1]}, 1, scale)[0] == doctest::Approx(0.25 * 1 + 0.75 * 9));
}

TEST_CASE("RMSNorm of a constant row is the weight with the constant's sign") {
  const std::vector<std::uint16_t> x(64, to_bf16(-2)), weight(64, to_bf16(0.5f));
  for (const double v : norm_row(x, weight)) CHECK(v == doctest::Approx(-0.5).epsilon(1e-6));
}

TEST_CASE("SwiGLU of a zero gate is zero, of a large gate the product") {
  const auto out = swiglu_row({to_bf16(0), to_bf16(64), to_bf16(-64), to_bf16(5), to_bf16(2), to_bf16(2)});
  CHECK(out[0] == 0);
  CHECK(out[1] == doctest::Approx(128));
  CHECK(out[2] == doctest::Approx(0));
}

TEST_CASE("the error of quantised values tells a right code from its neighbour and a right scale from a wrong one") {
  std::vector<double> values(128, 0.0);
  values[0] = 448;   // scale 1
  values[1] = 1;
  std::vector<std::uint8_t> codes(128, 0);
  codes[0] = 0x7e;
  codes[1] = 0x38;
  CHECK(quantised_error(values, codes, {1.0f}) == 0);
  codes[1] = 0x39;   // 1.125 for 1: a whole step, two halves
  CHECK(quantised_error(values, codes, {1.0f}) == doctest::Approx(2));
  CHECK(quantised_error(values, codes, {2.0f}) == HUGE_VAL);
  codes[1] = 0x7f;   // NaN
  CHECK(quantised_error(values, codes, {1.0f}) == HUGE_VAL);
}

TEST_CASE("eight rows weighted an eighth give their mean; routing of equal scores gives equal weights to the first experts") {
  std::vector<std::vector<std::uint16_t>> rows;
  for (int j = 0; j < 8; ++j) rows.push_back({to_bf16(static_cast<float>(j))});
  CHECK(weighted_sum(rows, std::vector<float>(8, 0.125f))[0] == 3.5);

  const Routed r = route(std::vector<float>(6, 0.0f), std::vector<float>(6, 0.0f), 3);
  CHECK(r.experts == std::vector<std::int32_t>{0, 1, 2});
  CHECK(r.weights == std::vector<double>{1.0 / 3, 1.0 / 3, 1.0 / 3});
  // The bias decides who is chosen and not what he weighs (arXiv:2412.19437, section 2.1.2).
  const Routed biased = route({0, 0, 0}, {0, 0, 1}, 2);
  CHECK(biased.experts == std::vector<std::int32_t>{2, 0});
  CHECK(biased.weights[0] == 0.5);
}
