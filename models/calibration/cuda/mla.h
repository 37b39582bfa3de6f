// The body of the MLA decode kernel: one query row per head and position against one latent head of 576 (keys) and 512 (values), paged
// in blocks of 64 tokens, split over the blocks of a request; and the body that joins the splits.
#pragma once

#include "models/calibration/cuda/here.h"

namespace weft::cuda {

constexpr int mla_key = 576, mla_value = 512, mla_page = 64;   // arXiv:2405.04434: 512 + 64 rope; FlashMLA's page
constexpr int mla_rows = 64;       // query rows of a tile
constexpr int mla_tokens = 32;     // tokens of a step: half a page
constexpr int mla_threads = 256;

struct MlaShape {
  std::int64_t requests;
  std::int64_t rows;       // heads x s_q of a request
  std::int64_t kv;         // tokens in the cache of each request
  std::int64_t pages;      // of a request's table
  std::int64_t splits;
  float scale;             // of the scores: 1 / sqrt(128 + 64)

  WEFT_BOTH std::int64_t tiles() const { return (rows + mla_rows - 1) / mla_rows; }
  WEFT_BOTH std::int64_t steps() const { return (kv + mla_tokens - 1) / mla_tokens; }
  WEFT_BOTH std::int64_t work() const { return requests * tiles() * splits; }
};

/// Where the parts of a block's shared memory begin. Rows are padded by 16 bytes, so that the eight rows that a warp reads at
/// once lie in different banks.
struct MlaShared {
  static constexpr int key_stride = mla_key + 8;        // BF16
  static constexpr int weight_stride = mla_tokens + 8;  // BF16
  static constexpr int score_stride = mla_tokens + 1;   // FP32
  static constexpr int queries = 0;
  static constexpr int keys = queries + mla_rows * key_stride * 2;               // two buffers
  static constexpr int weights = keys + 2 * mla_tokens * key_stride * 2;
  static constexpr int scores = weights + mla_rows * weight_stride * 2;
  static constexpr int largest = scores + mla_rows * score_stride * 4;
  static constexpr int sum = largest + mla_rows * 4;
  static constexpr int factor = sum + mla_rows * 4;
  static constexpr int bytes = factor + mla_rows * 4;
};
static_assert(MlaShared::bytes <= 227 * 1024, "a Hopper block has at most 227 KiB of shared memory");
static_assert(MlaShared::keys % 16 == 0 && MlaShared::weights % 16 == 0 && MlaShared::scores % 16 == 0 && MlaShared::largest % 16 == 0, "alignment");

/// Two neighbours as one word; p is 4-byte aligned.
WEFT_DEVICE std::uint32_t pair_at(const std::uint16_t* p) { return *reinterpret_cast<const std::uint32_t*>(p); }

template <class Here>
class MlaTile {
 public:
  WEFT_DEVICE MlaTile(const Here& here, const MlaShape& shape, const std::uint16_t* queries, const std::uint16_t* cache, const std::int32_t* table)
      : here_(here), shape_(shape), queries_(queries), cache_(cache), table_(table) {
    unsigned char* const shared = here.shared();
    q_ = reinterpret_cast<std::uint16_t*>(shared + MlaShared::queries);
    k_ = reinterpret_cast<std::uint16_t*>(shared + MlaShared::keys);
    p_ = reinterpret_cast<std::uint16_t*>(shared + MlaShared::weights);
    s_ = reinterpret_cast<float*>(shared + MlaShared::scores);
    largest_ = reinterpret_cast<float*>(shared + MlaShared::largest);
    sum_ = reinterpret_cast<float*>(shared + MlaShared::sum);
    factor_ = reinterpret_cast<float*>(shared + MlaShared::factor);
  }

  /// Tile `tile` of request `request`, steps [first, last). Gives out rows that are normalised within the split: BF16 to `out` when
  /// there is one split, else FP32 to `part` with the logarithm of the sum to `part_log`.
  WEFT_DEVICE void run(std::int64_t request, std::int64_t tile, std::int64_t split, std::int64_t first, std::int64_t last, std::uint16_t* out,
                       float* part, float* part_log) {
    begin(request, tile);
    load_keys(request, first, 0);
    for (std::int64_t step = first; step < last; ++step) {
      const int buffer = static_cast<int>((step - first) & 1);
      if (step + 1 < last) {
        load_keys(request, step + 1, buffer ^ 1);
        here_.template wait<1>();
      } else {
        here_.template wait<0>();
      }
      here_.sync();   // all see the keys (and, in the first step, the queries)
      score(buffer, step);
      here_.sync();
      soften();
      here_.sync();
      gather(buffer);
      here_.sync();   // the buffer and the weights may be written again
    }
    store(request, tile, split, out, part, part_log);
    here_.sync();   // the sums have been read
  }

 private:
  WEFT_DEVICE std::int64_t rows_of(std::int64_t tile) const {
    const std::int64_t left = shape_.rows - tile * mla_rows;
    return left < mla_rows ? left : mla_rows;
  }

  WEFT_DEVICE void begin(std::int64_t request, std::int64_t tile) {
    const std::int64_t rows = rows_of(tile);
    const std::uint16_t* const from = queries_ + (request * shape_.rows + tile * mla_rows) * mla_key;
    constexpr int vectors = mla_key / 8;
    for (int i = here_.thread(); i < mla_rows * vectors; i += mla_threads) {
      const int row = i / vectors, column = (i % vectors) * 8;
      Words4 v = {{0, 0, 0, 0}};
      if (row < rows) v = *reinterpret_cast<const Words4*>(from + row * mla_key + column);
      *reinterpret_cast<Words4*>(q_ + row * MlaShared::key_stride + column) = v;
    }
    if (here_.thread() < mla_rows) {
      largest_[here_.thread()] = -1e30f;
      sum_[here_.thread()] = 0;
    }
    WEFT_UNROLL
    for (int r = 0; r < 4; ++r) {
      WEFT_UNROLL
      for (int n = 0; n < 8; ++n) {
        WEFT_UNROLL
        for (int i = 0; i < 4; ++i) out_[r][n][i] = 0;
      }
    }
  }

  /// Starts the copy of a step's tokens: half a page.
  WEFT_DEVICE void load_keys(std::int64_t request, std::int64_t step, int buffer) {
    const std::int64_t page = table_[request * shape_.pages + step * mla_tokens / mla_page];
    const std::uint16_t* const from = cache_ + (page * mla_page + step * mla_tokens % mla_page) * mla_key;
    std::uint16_t* const to = k_ + buffer * mla_tokens * MlaShared::key_stride;
    constexpr int vectors = mla_key / 8;
    for (int i = here_.thread(); i < mla_tokens * vectors; i += mla_threads) {
      const int token = i / vectors, column = (i % vectors) * 8;
      here_.copy_async(to + token * MlaShared::key_stride + column, from + token * mla_key + column);
    }
    here_.commit();
  }

  /// scores = scale x queries keys^T: warp w has rows 16 (w % 4) .. and tokens 16 (w / 4) ...
  WEFT_DEVICE void score(int buffer, std::int64_t step) {
    const int g = here_.lane() / 4, t = here_.lane() % 4;
    const int row = 16 * (here_.warp() % 4) + g, token = 16 * (here_.warp() / 4);
    const std::uint16_t* const q = q_ + row * MlaShared::key_stride + 2 * t;
    const std::uint16_t* const k = k_ + (buffer * mla_tokens + token + g) * MlaShared::key_stride + 2 * t;
    float d[2][4] = {};
    for (int at = 0; at < mla_key; at += 16) {
      const std::uint32_t a[4] = {pair_at(q + at), pair_at(q + 8 * MlaShared::key_stride + at), pair_at(q + at + 8),
                                  pair_at(q + 8 * MlaShared::key_stride + at + 8)};
      WEFT_UNROLL
      for (int n = 0; n < 2; ++n) {
        const std::uint32_t b[2] = {pair_at(k + 8 * n * MlaShared::key_stride + at), pair_at(k + 8 * n * MlaShared::key_stride + at + 8)};
        here_.mma(d[n], a, b);
      }
    }
    WEFT_UNROLL
    for (int n = 0; n < 2; ++n) {
      WEFT_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int column = token + 8 * n + 2 * t + i % 2;
        const bool there = step * mla_tokens + column < shape_.kv;
        s_[(row + 8 * (i / 2)) * MlaShared::score_stride + column] = there ? d[n][i] * shape_.scale : -1e30f;
      }
    }
  }

  /// The softmax as it goes: warp w has rows 8 w .., a lane a token. factor: what the sums so far are worth now.
  WEFT_DEVICE void soften() {
    for (int row = 8 * here_.warp(); row < 8 * here_.warp() + 8; ++row) {
      const float s = s_[row * MlaShared::score_stride + here_.lane()];
      const float before = largest_[row], highest = warp_max(here_, s);
      const float now = highest > before ? highest : before;
      const float p = here_.exp(s - now), all = warp_sum(here_, p);
      p_[row * MlaShared::weight_stride + here_.lane()] = to_bf16(p);
      here_.sync_warp();   // all lanes have read largest_
      if (here_.lane() == 0) {
        const float factor = here_.exp(before - now);
        factor_[row] = factor;
        largest_[row] = now;
        sum_[row] = sum_[row] * factor + all;
      }
    }
  }

  /// out = out x factor + weights values: warp w has columns 64 w .. of all rows.
  WEFT_DEVICE void gather(int buffer) {
    const int g = here_.lane() / 4, t = here_.lane() % 4;
    WEFT_UNROLL
    for (int r = 0; r < 4; ++r) {
      const float upper = factor_[16 * r + g], lower = factor_[16 * r + g + 8];
      WEFT_UNROLL
      for (int n = 0; n < 8; ++n) {
        out_[r][n][0] *= upper;
        out_[r][n][1] *= upper;
        out_[r][n][2] *= lower;
        out_[r][n][3] *= lower;
      }
    }
    WEFT_UNROLL
    for (int at = 0; at < mla_tokens; at += 16) {
      std::uint32_t a[4][4];
      WEFT_UNROLL
      for (int r = 0; r < 4; ++r) {
        const std::uint16_t* const p = p_ + (16 * r + g) * MlaShared::weight_stride + at + 2 * t;
        a[r][0] = pair_at(p);
        a[r][1] = pair_at(p + 8 * MlaShared::weight_stride);
        a[r][2] = pair_at(p + 8);
        a[r][3] = pair_at(p + 8 * MlaShared::weight_stride + 8);
      }
      WEFT_UNROLL
      for (int n = 0; n < 8; ++n) {
        const std::uint16_t* const v = k_ + (buffer * mla_tokens + at + 2 * t) * MlaShared::key_stride + 64 * here_.warp() + 8 * n + g;
        const std::uint32_t b[2] = {v[0] | static_cast<std::uint32_t>(v[MlaShared::key_stride]) << 16,
                                    v[8 * MlaShared::key_stride] | static_cast<std::uint32_t>(v[9 * MlaShared::key_stride]) << 16};
        WEFT_UNROLL
        for (int r = 0; r < 4; ++r) here_.mma(out_[r][n], a[r], b);
      }
    }
  }

  WEFT_DEVICE void store(std::int64_t request, std::int64_t tile, std::int64_t split, std::uint16_t* out, float* part, float* part_log) {
    const int g = here_.lane() / 4, t = here_.lane() % 4;
    const std::int64_t rows = rows_of(tile);
    WEFT_UNROLL
    for (int r = 0; r < 4; ++r) {
      WEFT_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int row = 16 * r + g + 8 * half;
        if (row >= rows) continue;
        const float share = 1 / sum_[row];
        const std::int64_t at = request * shape_.rows + tile * mla_rows + row;
        WEFT_UNROLL
        for (int n = 0; n < 8; ++n) {
          const float low = out_[r][n][2 * half] * share, high = out_[r][n][2 * half + 1] * share;
          const std::int64_t column = 64 * here_.warp() + 8 * n + 2 * t;
          if (shape_.splits == 1) {
            *reinterpret_cast<std::uint32_t*>(out + at * mla_value + column) = pack_bf16(low, high);
          } else {
            float* const to = part + (split * shape_.requests * shape_.rows + at) * mla_value + column;
            to[0] = low;
            to[1] = high;
          }
        }
      }
    }
    if (shape_.splits > 1 && here_.thread() < rows) {
      const std::int64_t at = request * shape_.rows + tile * mla_rows + here_.thread();
      part_log[split * shape_.requests * shape_.rows + at] = largest_[here_.thread()] + here_.log(sum_[here_.thread()]);
    }
  }

  const Here& here_;
  const MlaShape& shape_;
  const std::uint16_t* queries_;
  const std::uint16_t* cache_;
  const std::int32_t* table_;
  std::uint16_t *q_, *k_, *p_;
  float *s_, *largest_, *sum_, *factor_;
  float out_[4][8][4];   // rows 16 r + g, + 8; columns 64 warp + 8 n + 2 t, + 1
};

/// Blocks of mla_threads; shared: MlaShared::bytes. Blocks take (request, tile, split) in turn.
template <class Here>
WEFT_DEVICE void mla_body(const Here& here, const MlaShape& shape, const std::uint16_t* queries, const std::uint16_t* cache,
                          const std::int32_t* table, std::uint16_t* out, float* part, float* part_log) {
  MlaTile<Here> work(here, shape, queries, cache, table);
  for (std::int64_t w = here.block(); w < shape.work(); w += here.blocks()) {
    // The tiles of a request's split come one after the other: the second finds the keys in the L2 cache.
    const std::int64_t tile = w % shape.tiles(), split = w / shape.tiles() % shape.splits, request = w / shape.tiles() / shape.splits;
    const std::int64_t first = split * shape.steps() / shape.splits, last = (split + 1) * shape.steps() / shape.splits;
    work.run(request, tile, split, first, last, out, part, part_log);
  }
}

/// out[row] = sum of exp(log_s - max) part_s / sum of exp(log_s - max). Blocks take rows in turn.
template <class Here>
WEFT_DEVICE void mla_join_body(const Here& here, const MlaShape& shape, const float* part, const float* part_log, std::uint16_t* out) {
  const std::int64_t rows = shape.requests * shape.rows;
  for (std::int64_t row = here.block(); row < rows; row += here.blocks()) {
    float largest = -1e30f;
    for (std::int64_t s = 0; s < shape.splits; ++s) largest = part_log[s * rows + row] > largest ? part_log[s * rows + row] : largest;
    for (int column = 2 * here.thread(); column < mla_value; column += 2 * here.threads()) {
      float low = 0, high = 0, weights = 0;
      for (std::int64_t s = 0; s < shape.splits; ++s) {
        const float weight = here.exp(part_log[s * rows + row] - largest);
        const float* const from = part + (s * rows + row) * mla_value + column;
        weights += weight;
        low += weight * from[0];
        high += weight * from[1];
      }
      *reinterpret_cast<std::uint32_t*>(out + row * mla_value + column) = pack_bf16(low / weights, high / weights);
    }
  }
}

/// Splits that take the least time when each block takes a tile's split in turn and begins each with the work of two steps.
inline std::int64_t mla_splits(const MlaShape& shape, std::int64_t blocks) {
  const std::int64_t tiles = shape.requests * shape.tiles(), most = shape.steps() < 32 ? shape.steps() : 32;
  std::int64_t best = 1, best_cost = -1;
  for (std::int64_t splits = 1; splits <= most; ++splits) {
    const std::int64_t waves = (tiles * splits + blocks - 1) / blocks;
    const std::int64_t cost = waves * ((shape.steps() + splits - 1) / splits + 2);
    if (best_cost >= 0 && cost >= best_cost) continue;
    best = splits;
    best_cost = cost;
  }
  return best;
}

}  // namespace weft::cuda
