// Where a kernel's body runs: a thread of a CUDA grid. The same bodies run on the host, in on_host.h, so that tests reach their
// every index without a GPU.
#pragma once

#include <cstdint>

#include "models/calibration/cuda/numbers.h"

#ifdef __CUDACC__
#define WEFT_DEVICE __device__ __forceinline__
#define WEFT_UNROLL _Pragma("unroll")   // what it indexes stays in registers

#include <cuda_fp8.h>

namespace weft::cuda {

/// Four 32-bit words that are moved at once.
struct alignas(16) Words4 {
  std::uint32_t w[4];
};

struct OnDevice {
  WEFT_DEVICE int thread() const { return static_cast<int>(threadIdx.x); }
  WEFT_DEVICE int threads() const { return static_cast<int>(blockDim.x); }
  WEFT_DEVICE std::int64_t block() const { return blockIdx.x; }
  WEFT_DEVICE std::int64_t blocks() const { return gridDim.x; }
  WEFT_DEVICE int lane() const { return thread() & 31; }
  WEFT_DEVICE int warp() const { return thread() >> 5; }
  WEFT_DEVICE void sync() const { __syncthreads(); }
  WEFT_DEVICE void sync_warp() const { __syncwarp(); }
  /// The block's dynamic shared memory.
  WEFT_DEVICE unsigned char* shared() const {
    extern __shared__ __align__(16) unsigned char weft_shared[];
    return weft_shared;
  }
  /// The value of lane `lane ^ mask`; all lanes of the warp call it.
  WEFT_DEVICE float shuffle_xor(float v, int mask) const { return __shfl_xor_sync(0xffffffffu, v, mask); }
  WEFT_DEVICE int shuffle_xor(int v, int mask) const { return __shfl_xor_sync(0xffffffffu, v, mask); }
  WEFT_DEVICE float exp(float v) const { return __expf(v); }
  WEFT_DEVICE float log(float v) const { return __logf(v); }
  WEFT_DEVICE float rsqrt(float v) const { return rsqrtf(v); }
  WEFT_DEVICE std::uint8_t to_e4m3(float v) const { return __nv_cvt_float_to_fp8(v, __NV_SATFINITE, __NV_E4M3); }

  /// Starts a copy of 16 bytes from global to shared memory; wait() for it, then sync().
  WEFT_DEVICE void copy_async(void* to_shared, const void* from) const {
    const auto to = static_cast<std::uint32_t>(__cvta_generic_to_shared(to_shared));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
  }
  WEFT_DEVICE void commit() const { asm volatile("cp.async.commit_group;" ::: "memory"); }
  /// Until at most `pending` of this thread's groups are still on their way.
  template <int pending>
  WEFT_DEVICE void wait() const {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
  }

  /// d += a b: 16 x 8 of FP32, 16 x 16 by 16 x 8 of BF16, spread over a warp as PTX's mma.m16n8k16 says: with g = lane / 4 and
  /// t = lane % 4, two values each: a = {(g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8)}, b = {(2t, g), (2t + 8, g)},
  /// d = (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
  WEFT_DEVICE void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) const {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
};

}  // namespace weft::cuda
#else
#define WEFT_DEVICE inline
#define WEFT_UNROLL

namespace weft::cuda {

struct alignas(16) Words4 {
  std::uint32_t w[4];
};

}  // namespace weft::cuda
#endif

namespace weft::cuda {

/// Sum over the warp, in all its lanes.
template <class Here>
WEFT_DEVICE float warp_sum(const Here& here, float v) {
  for (int mask = 16; mask > 0; mask >>= 1) v += here.shuffle_xor(v, mask);
  return v;
}

template <class Here>
WEFT_DEVICE float warp_max(const Here& here, float v) {
  for (int mask = 16; mask > 0; mask >>= 1) {
    const float other = here.shuffle_xor(v, mask);
    v = other > v ? other : v;
  }
  return v;
}

/// BF16 pairs of a word, the lower address first.
WEFT_DEVICE float low_bf16(std::uint32_t w) { return from_bf16(static_cast<std::uint16_t>(w & 0xffffu)); }
WEFT_DEVICE float high_bf16(std::uint32_t w) { return from_bf16(static_cast<std::uint16_t>(w >> 16)); }
WEFT_DEVICE std::uint32_t pack_bf16(float low, float high) {
  return static_cast<std::uint32_t>(to_bf16(low)) | static_cast<std::uint32_t>(to_bf16(high)) << 16;
}

}  // namespace weft::cuda
