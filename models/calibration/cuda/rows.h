// Bodies of the kernels that work row by row: RMSNorm, cast, SwiGLU, sum, gather, combine. Grids of any size: blocks take rows in turn.
#pragma once

#include "models/calibration/cuda/here.h"

namespace weft::cuda {

constexpr int hidden_size = 7168;   // DeepSeek-V3
constexpr int expert_size = 2048;   // its experts' intermediate size
constexpr int row_threads = 256;
constexpr float e4m3_largest = 448.0f;

/// Bytes that each kernel reads and writes for a row; its `bytes` are a multiple.
constexpr std::int64_t norm_row_bytes = 2 * 2 * hidden_size;
constexpr std::int64_t cast_row_bytes = (2 + 1) * hidden_size + 4 * (hidden_size / 128);
constexpr std::int64_t swiglu_row_bytes = 2 * 2 * expert_size + expert_size + 4 * (expert_size / 128);
constexpr std::int64_t residual_row_bytes = 3 * 2 * hidden_size;
constexpr std::int64_t permute_row_bytes = 2 * (hidden_size + 4 * (hidden_size / 128)) + 4;
constexpr int combined_rows = 8;   // top-k
constexpr std::int64_t reduce_row_bytes = (combined_rows + 1) * 2 * hidden_size + 8 * combined_rows;

/// The sum of a value over the block, in all its threads; `scratch` has one float a warp.
template <class Here>
WEFT_DEVICE float block_sum(const Here& here, float v, float* scratch) {
  v = warp_sum(here, v);
  here.sync();   // the scratch of the row before has been read
  if (here.lane() == 0) scratch[here.warp()] = v;
  here.sync();
  float sum = 0;
  for (int w = 0; w < here.threads() / 32; ++w) sum += scratch[w];
  return sum;
}

/// y = x weight / sqrt(mean(x^2) + 1e-6), rows of `columns` (a multiple of 8) BF16. Shared: a float a warp.
template <class Here>
WEFT_DEVICE void norm_body(const Here& here, const Words4* x, const Words4* weight, Words4* y, std::int64_t rows, int columns) {
  auto* const scratch = reinterpret_cast<float*>(here.shared());
  const int vectors = columns / 8;
  for (std::int64_t row = here.block(); row < rows; row += here.blocks()) {
    const Words4* const in = x + row * vectors;
    float squares = 0;
    for (int i = here.thread(); i < vectors; i += here.threads()) {
      const Words4 v = in[i];
      for (int j = 0; j < 4; ++j) squares += low_bf16(v.w[j]) * low_bf16(v.w[j]) + high_bf16(v.w[j]) * high_bf16(v.w[j]);
    }
    const float factor = here.rsqrt(block_sum(here, squares, scratch) / static_cast<float>(columns) + 1e-6f);
    for (int i = here.thread(); i < vectors; i += here.threads()) {
      const Words4 v = in[i], g = weight[i];
      Words4 out;
      for (int j = 0; j < 4; ++j) {
        out.w[j] = pack_bf16(low_bf16(v.w[j]) * factor * low_bf16(g.w[j]), high_bf16(v.w[j]) * factor * high_bf16(g.w[j]));
      }
      y[row * vectors + i] = out;
    }
  }
}

/// Four values of a lane, 128 of a warp, to E4M3 with one scale: value = code x scale. Lane 0 writes the scale.
template <class Here>
WEFT_DEVICE void store_quantised(const Here& here, const float (&v)[4], std::uint32_t* codes, float* scale) {
  float largest = 0;
  for (int j = 0; j < 4; ++j) {
    const float magnitude = v[j] < 0 ? -v[j] : v[j];
    largest = magnitude > largest ? magnitude : largest;
  }
  largest = warp_max(here, largest);
  largest = largest > 1e-4f ? largest : 1e-4f;   // no division by zero
  const float factor = e4m3_largest / largest;
  std::uint32_t word = 0;
  for (int j = 0; j < 4; ++j) word |= static_cast<std::uint32_t>(here.to_e4m3(v[j] * factor)) << (8 * j);
  codes[here.lane()] = word;
  if (here.lane() == 0) *scale = largest / e4m3_largest;
}

/// BF16 rows of `columns` (a multiple of 128) to E4M3 with a scale per 128. A warp takes a group.
template <class Here>
WEFT_DEVICE void cast_body(const Here& here, const std::uint32_t* x, std::uint32_t* codes, float* scales, std::int64_t rows, int columns) {
  const std::int64_t groups = rows * (columns / 128), warps = here.blocks() * (here.threads() / 32);
  for (std::int64_t group = here.block() * (here.threads() / 32) + here.warp(); group < groups; group += warps) {
    const std::uint32_t* const in = x + group * 64 + here.lane() * 2;
    const std::uint32_t a = in[0], b = in[1];
    const float v[4] = {low_bf16(a), high_bf16(a), low_bf16(b), high_bf16(b)};
    store_quantised(here, v, codes + group * 32, scales + group);
  }
}

/// Rows of [gate | up], `columns` (a multiple of 128) BF16 each, to E4M3 of gate / (1 + exp(-gate)) x up with a scale per 128.
template <class Here>
WEFT_DEVICE void swiglu_body(const Here& here, const std::uint32_t* x, std::uint32_t* codes, float* scales, std::int64_t rows, int columns) {
  const int row_groups = columns / 128;
  const std::int64_t groups = rows * row_groups, warps = here.blocks() * (here.threads() / 32);
  for (std::int64_t group = here.block() * (here.threads() / 32) + here.warp(); group < groups; group += warps) {
    const std::int64_t row = group / row_groups;
    const std::uint32_t* const gate = x + row * columns + (group - row * row_groups) * 64 + here.lane() * 2;
    const std::uint32_t* const up = gate + columns / 2;
    float v[4];
    for (int j = 0; j < 2; ++j) {
      const float low = low_bf16(gate[j]), high = high_bf16(gate[j]);
      v[2 * j] = low / (1 + here.exp(-low)) * low_bf16(up[j]);
      v[2 * j + 1] = high / (1 + here.exp(-high)) * high_bf16(up[j]);
    }
    store_quantised(here, v, codes + group * 32, scales + group);
  }
}

/// c = a + b, BF16, `vectors` of eight.
template <class Here>
WEFT_DEVICE void residual_body(const Here& here, const Words4* a, const Words4* b, Words4* c, std::int64_t vectors) {
  for (std::int64_t i = here.block() * here.threads() + here.thread(); i < vectors; i += here.blocks() * here.threads()) {
    const Words4 x = a[i], y = b[i];
    Words4 out;
    for (int j = 0; j < 4; ++j) out.w[j] = pack_bf16(low_bf16(x.w[j]) + low_bf16(y.w[j]), high_bf16(x.w[j]) + high_bf16(y.w[j]));
    c[i] = out;
  }
}

/// to[r] = from[index[r]]: rows of `columns` (a multiple of 512) E4M3 with their scales per 128.
template <class Here>
WEFT_DEVICE void permute_body(const Here& here, const Words4* from, const Words4* from_scales, const std::int32_t* index, Words4* to,
                              Words4* to_scales, std::int64_t rows, int columns) {
  const int vectors = columns / 16, scale_vectors = columns / 128 / 4;
  for (std::int64_t row = here.block(); row < rows; row += here.blocks()) {
    const std::int64_t source = index[row];
    for (int i = here.thread(); i < vectors; i += here.threads()) to[row * vectors + i] = from[source * vectors + i];
    for (int i = here.thread(); i < scale_vectors; i += here.threads()) {
      to_scales[row * scale_vectors + i] = from_scales[source * scale_vectors + i];
    }
  }
}

/// to[r] = sum over j < combined_rows of weight[r][j] x from[index[r][j]], BF16 rows of `columns` (a multiple of 8), summed in FP32.
template <class Here>
WEFT_DEVICE void reduce_body(const Here& here, const Words4* from, const std::int32_t* index, const float* weight, Words4* to, std::int64_t rows,
                             int columns) {
  const int vectors = columns / 8;
  for (std::int64_t row = here.block(); row < rows; row += here.blocks()) {
    for (int i = here.thread(); i < vectors; i += here.threads()) {
      float sum[8] = {};
      for (int j = 0; j < combined_rows; ++j) {
        const Words4 v = from[index[row * combined_rows + j] * static_cast<std::int64_t>(vectors) + i];
        const float w = weight[row * combined_rows + j];
        for (int k = 0; k < 4; ++k) {
          sum[2 * k] += w * low_bf16(v.w[k]);
          sum[2 * k + 1] += w * high_bf16(v.w[k]);
        }
      }
      Words4 out;
      for (int k = 0; k < 4; ++k) out.w[k] = pack_bf16(sum[2 * k], sum[2 * k + 1]);
      to[row * vectors + i] = out;
    }
  }
}

}  // namespace weft::cuda
