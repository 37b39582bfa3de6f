// Narrow numbers as bits, for host and device alike: BF16 and FP8 E4M3, and where block scales lie in memory.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define WEFT_BOTH __host__ __device__ inline
#else
#define WEFT_BOTH inline
#endif

namespace weft::cuda {

WEFT_BOTH float float_of_bits(std::uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

WEFT_BOTH std::uint32_t bits_of_float(float f) {
  std::uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

WEFT_BOTH float from_bf16(std::uint16_t b) { return float_of_bits(static_cast<std::uint32_t>(b) << 16); }

/// Rounds to nearest, ties to even. Finite numbers only.
WEFT_BOTH std::uint16_t to_bf16(float f) {
  const std::uint32_t bits = bits_of_float(f);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// OCP FP8 E4M3: sign, 4 bits of exponent (bias 7), 3 of mantissa; no infinity, 0x7f and 0xff are NaN, 448 is the largest.
/// arXiv:2209.05433.
WEFT_BOTH float from_e4m3(std::uint8_t v) {
  const int exponent = (v >> 3) & 15, mantissa = v & 7;
  if (exponent == 15 && mantissa == 7) return float_of_bits(0x7fc00000u);
  // 2^(exponent - 7) (1 + mantissa / 8), or 2^-6 mantissa / 8 below the normal range.
  const float magnitude = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-9f
                                        : float_of_bits(static_cast<std::uint32_t>(exponent - 7 + 127) << 23 | static_cast<std::uint32_t>(mantissa) << 20);
  return (v & 0x80) != 0 ? -magnitude : magnitude;
}

/// Rounds to nearest, ties to even; what is beyond 448 becomes 448. Finite numbers only.
WEFT_BOTH std::uint8_t to_e4m3(float f) {
  const std::uint8_t sign = (bits_of_float(f) >> 31) != 0 ? 0x80 : 0;
  const float magnitude = f < 0 ? -f : f;
  if (magnitude >= 448.0f) return static_cast<std::uint8_t>(sign | 0x7e);
  if (magnitude < 0x1p-6f) {
    // Steps of 2^-9: adding 2^14 leaves exactly these bits of the mantissa, rounded.
    const float shifted = magnitude + 0x1p14f;
    return static_cast<std::uint8_t>(sign | (bits_of_float(shifted) & 15u));
  }
  const std::uint32_t bits = bits_of_float(magnitude);
  const std::uint32_t rounded = bits + 0x7ffffu + ((bits >> 20) & 1u);
  const std::uint32_t code = (rounded >> 20) - ((127u - 7u) << 3);
  return static_cast<std::uint8_t>(sign | (code > 0x7eu ? 0x7eu : code));
}

/// Rounded up to a multiple.
WEFT_BOTH std::int64_t round_up(std::int64_t v, std::int64_t multiple) { return (v + multiple - 1) / multiple * multiple; }
WEFT_BOTH std::int64_t blocks_of(std::int64_t v, std::int64_t block) { return (v + block - 1) / block; }

/// Where cuBLASLt wants the scale of row `row` and its k-th 128 elements (CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F: rows are
/// contiguous; cuBLAS manual, "Scaling factors layouts").
WEFT_BOTH std::int64_t vec128_at(std::int64_t row, std::int64_t k_block, std::int64_t rows) { return row + k_block * rows; }
WEFT_BOTH std::int64_t vec128_count(std::int64_t rows, std::int64_t k) { return rows * blocks_of(k, 128); }
/// The same for a scale of 128 x 128 elements (CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F: k is contiguous, padded to 4).
WEFT_BOTH std::int64_t blk128_at(std::int64_t row, std::int64_t k_block, std::int64_t k) {
  return k_block + row / 128 * round_up(blocks_of(k, 128), 4);
}
WEFT_BOTH std::int64_t blk128_count(std::int64_t rows, std::int64_t k) { return blocks_of(rows, 128) * round_up(blocks_of(k, 128), 4); }

/// Element i of a stream of random numbers: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
WEFT_BOTH std::uint64_t random_bits(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t x = seed * 0x9e3779b97f4a7c15ULL + i + 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Uniform in [low, high).
WEFT_BOTH float random_between(std::uint64_t seed, std::uint64_t i, float low, float high) {
  return low + (high - low) * (static_cast<float>(random_bits(seed, i) >> 40) * 0x1p-24f);
}

}  // namespace weft::cuda
