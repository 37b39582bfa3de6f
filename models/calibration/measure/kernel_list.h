// The kernels that the CUDA module has, by family, variant and shape fields of models/kernels; the simulated one has the same.
#pragma once

#include "models/calibration/measure/abi.h"

namespace weft::models {

inline constexpr weft_measure_kernel measured_kernels[] = {
    {"gemm", "fp8_block", "m n k sms=0", "cuBLASLt, E4M3, 1x128 by 128x128 scales, BF16 out"},
    {"gemm", "fp8", "m n k sms=0", "cuBLASLt, E4M3, one scale a tensor, BF16 out"},
    {"gemm", "bfloat16", "m n k sms=0", "cuBLASLt"},
    {"gemm_wgrad", "fp8_block", "m n k sms=0", "cuBLASLt, E4M3, 1x128 by 1x128 scales, FP32 accumulated in place"},
    {"gemm_wgrad", "bfloat16", "m n k sms=0", "cuBLASLt, FP32 accumulated in place"},
    {"grouped_gemm", "fp8_contiguous", "groups m n k sms=0", "cuBLASLt, one call a group, side by side in one CUDA graph"},
    {"grouped_gemm", "fp8_masked", "groups m n k sms=0", "cuBLASLt, one call a group, side by side in one CUDA graph, rows of a larger buffer"},
    {"grouped_gemm", "bfloat16", "groups m n k sms=0", "cuBLASLt, one call a group, side by side in one CUDA graph"},
    {"mla_decode", "bfloat16", "batch heads s_q=1 kv sms=0", "weft's own kernel: paged KV in blocks of 64, split over the SMs, mma.sync"},
    {"elementwise", "norm", "bytes sms=0", "RMSNorm over 7168, BF16"},
    {"elementwise", "cast", "bytes sms=0", "BF16 to E4M3 with 1x128 scales, rows of 7168"},
    {"elementwise", "swiglu", "bytes sms=0", "SwiGLU of 2 x 2048 with cast to E4M3 and 1x128 scales"},
    {"elementwise", "residual", "bytes sms=0", "sum of two BF16 tensors"},
    {"elementwise", "permute", "bytes sms=0", "dispatch-style gather of E4M3 rows of 7168 with their scales"},
    {"elementwise", "reduce", "bytes sms=0", "combine-style weighted sum of 8 BF16 rows of 7168"},
    {"router", "topk", "tokens experts topk=8", "sigmoid scores with bias, top-k, normalised weights, one warp a token"},
    {"memory", "copy", "bytes", "b[i] = a[i], 16 bytes a thread"},
    {"memory", "triad", "bytes", "a[i] = b[i] + s c[i], FP32"},
    {"memory", "read", "bytes", "sum of a[i], 16 bytes a thread"},
    {"launch", "empty", "count=1", "empty kernels, one after the other"},
    {"peer_copy", "nvlink", "bytes", "cudaMemcpyPeerAsync between two GPUs"},
    {"nccl", "all_reduce", "gpus bytes", "ncclAllReduce, BF16 sum"},
    {"nccl", "all_gather", "gpus bytes", "ncclAllGather"},
    {"nccl", "reduce_scatter", "gpus bytes", "ncclReduceScatter, BF16 sum"},
    {"nccl", "all_to_all", "gpus bytes", "ncclSend and ncclRecv in one group"},
};
inline constexpr int measured_kernel_count = sizeof(measured_kernels) / sizeof(measured_kernels[0]);

}  // namespace weft::models
