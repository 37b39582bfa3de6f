#include "models/calibration/readers/kineto_names.h"

#include <algorithm>
#include <array>
#include <vector>

namespace weft::models {
namespace {

struct Pattern {
  const char* all_of[2];   ///< parts of the name; the second may be null
  const char* family;
  const char* variant;
};

// The first that fits counts: the narrow ones stand above the wide ones.
constexpr std::array kPatterns = {
    // DeepEP and NCCL.
    Pattern{{"ep::internode::dispatch"}, "deepep_dispatch", "normal"},
    Pattern{{"ep::intranode::dispatch"}, "deepep_dispatch", "normal"},
    Pattern{{"ep::internode::combine"}, "deepep_combine", "normal"},
    Pattern{{"ep::intranode::combine"}, "deepep_combine", "normal"},
    Pattern{{"internode_ll::dispatch"}, "deepep_ll_dispatch", "low_latency"},
    Pattern{{"internode_ll::combine"}, "deepep_ll_combine", "low_latency"},
    Pattern{{"ep::", "notify"}, "communication", "notify"},
    Pattern{{"ep::", "get_dispatch_layout"}, "communication", "layout"},
    Pattern{{"ncclDevKernel_AllReduce"}, "nccl", "all_reduce"},
    Pattern{{"ncclDevKernel_AllGather"}, "nccl", "all_gather"},
    Pattern{{"ncclDevKernel_ReduceScatter"}, "nccl", "reduce_scatter"},
    Pattern{{"ncclDevKernel_SendRecv"}, "nccl", "all_to_all"},
    Pattern{{"ncclDevKernel"}, "communication", "nccl"},
    Pattern{{"ncclKernel_AllReduce"}, "nccl", "all_reduce"},
    Pattern{{"ncclKernel_AllGather"}, "nccl", "all_gather"},
    Pattern{{"ncclKernel_ReduceScatter"}, "nccl", "reduce_scatter"},
    Pattern{{"ncclKernel"}, "communication", "nccl"},
    Pattern{{"nvshmem"}, "communication", "nvshmem"},
    // GEMMs: DeepSeek's FP8 kernels, DeepGEMM, cuBLAS, CUTLASS.
    Pattern{{"m_grouped_fp8_ptp128c"}, "grouped_gemm", "fp8_contiguous"},
    Pattern{{"fp8_dptp128c_acc"}, "gemm_wgrad", "fp8_block"},
    Pattern{{"grouped_gemm::cuda::fp8_ptp128c"}, "gemm", "fp8_block"},
    Pattern{{"grouped_gemm::cuda::utils::transpose"}, "elementwise", "transpose"},   // of the scales
    Pattern{{"deep_gemm", "GroupedMasked"}, "grouped_gemm", "fp8_masked"},
    Pattern{{"deep_gemm", "GroupedContiguous"}, "grouped_gemm", "fp8_contiguous"},
    Pattern{{"deep_gemm::fp8_wgrad_gemm"}, "gemm_wgrad", "fp8_block"},
    Pattern{{"deep_gemm::fp8_gemm"}, "gemm", "fp8_block"},
    Pattern{{"fp8_gemm_kernel"}, "gemm", "fp8_block"},
    // Attention.
    Pattern{{"flash_fwd_splitkv_mla"}, "mla_decode", "bfloat16"},
    Pattern{{"FlashAttnBwdPreprocess"}, "elementwise", "other"},
    Pattern{{"FlashAttnBwdPostprocess"}, "elementwise", "other"},
    Pattern{{"FlashAttnBwd"}, "attention_backward", "bfloat16"},
    Pattern{{"flash_bwd"}, "attention_backward", "bfloat16"},
    Pattern{{"flash::compute_attn_ws"}, "attention_forward", "bfloat16"},
    Pattern{{"FlashAttnFwd"}, "attention_forward", "bfloat16"},
    Pattern{{"flash_fwd"}, "attention_forward", "bfloat16"},
    Pattern{{"fmha", "bwd"}, "attention_backward", "bfloat16"},
    Pattern{{"fmha"}, "attention_forward", "bfloat16"},
    // Element by element.
    Pattern{{"layer_norm"}, "elementwise", "norm"},
    Pattern{{"rms_norm"}, "elementwise", "norm"},
    Pattern{{"rmsnorm"}, "elementwise", "norm"},
    Pattern{{"RMSNorm"}, "elementwise", "norm"},
    Pattern{{"LayerNorm"}, "elementwise", "norm"},
    Pattern{{"swiglu"}, "elementwise", "swiglu"},
    Pattern{{"silu_and_mul"}, "elementwise", "swiglu"},
    Pattern{{"act_and_mul"}, "elementwise", "swiglu"},
    Pattern{{"per_channel_cast_and_transpose"}, "elementwise", "transpose"},
    Pattern{{"batched_transpose"}, "elementwise", "transpose"},
    Pattern{{"cast_to_fp8"}, "elementwise", "cast"},
    Pattern{{"cast_back"}, "elementwise", "cast"},
    Pattern{{"per_token_group_quant"}, "elementwise", "cast"},
    Pattern{{"rotary"}, "elementwise", "rope"},
    Pattern{{"rope"}, "elementwise", "rope"},
    Pattern{{"expand_to_fused"}, "elementwise", "permute"},
    Pattern{{"permute"}, "elementwise", "permute"},
    Pattern{{"_copy_tensor_kernel"}, "elementwise", "permute"},
    Pattern{{"reduce_fused"}, "elementwise", "reduce"},
    Pattern{{"vectorized_elementwise_kernel", "CUDAFunctor_add<c10::BFloat16>"}, "elementwise", "residual"},
    // Routing.
    Pattern{{"topk"}, "router", "topk"},
    Pattern{{"TopK"}, "router", "topk"},
    Pattern{{"unique_group_indices"}, "router", "topk"},
    Pattern{{"aux_fi"}, "router", "topk"},
    Pattern{{"clean_and_count_expert"}, "router", "topk"},
    Pattern{{"get_fused_mapping"}, "router", "topk"},
    Pattern{{"moe_align"}, "router", "topk"},
    // PyTorch's own.
    Pattern{{"reduce_kernel"}, "elementwise", "reduce"},
    Pattern{{"elementwise_kernel"}, "elementwise", "other"},
    Pattern{{"distribution_elementwise"}, "elementwise", "other"},
    Pattern{{"fill_tensormaps"}, "other", ""},
};

/// cuBLAS and CUTLASS name the operands' types: "bf16", "e4m3", "fp8".
KernelKind gemm_kind(std::string_view name) {
  const auto has = [&](const char* part) { return name.find(part) != std::string_view::npos; };
  if (has("gemm") || has("Gemm") || has("nvjet") || has("cutlass") || has("gemv")) {
    // An FP32 result of BF16 operands with both transposed is how a weight's gradient is made.
    if (has("bf16f32_bf16f32_f32_nt")) return {"gemm_wgrad", "bfloat16"};
    if (has("e4m3") || has("fp8") || has("f8f8")) return {"gemm", "fp8"};
    if (has("gemm") || has("Gemm") || has("nvjet")) return {"gemm", "bfloat16"};
  }
  return {"other", ""};
}

}  // namespace

KernelKind kernel_kind(std::string_view name) {
  for (const Pattern& p : kPatterns) {
    const bool fits = std::all_of(std::begin(p.all_of), std::end(p.all_of), [&](const char* part) { return part == nullptr || name.find(part) != std::string_view::npos; });
    if (fits) return {p.family, p.variant};
  }
  return gemm_kind(name);
}

std::string short_kernel_name(std::string_view name) {
  if (name.starts_with("void ")) name.remove_prefix(5);
  // cutlass::device_kernel<X> is X.
  constexpr std::string_view kWrap = "cutlass::device_kernel<";
  if (name.starts_with(kWrap)) name.remove_prefix(kWrap.size());
  std::string text(name.substr(0, name.find_first_of("<(>")));
  if (text.empty()) text = name.substr(0, 40);
  return text.substr(0, 80);
}

}  // namespace weft::models
