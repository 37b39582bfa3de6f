// Bytes of elementwise kernels: what each has to read and write, told by its grid, its template's types and the GEMM that follows.
#include <cmath>

#include "models/calibration/readers/kineto_shapes.h"

namespace weft::models {
namespace {

constexpr double kBf16 = 2, kFp8 = 1, kFp32 = 4, kScaleBlock = 128;   // bytes; elements that share an FP32 scale
constexpr double kTile = 128 * 128;        // elements of a block of the transposing kernels
constexpr double kTorchBlock = 512;        // elements of a block of PyTorch's vectorised kernels: 128 threads, 4 each

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The number in "Kernel_traits<...,7168u,"; 0 without one.
double row_length(const std::string& name) {
  const std::size_t end = name.find("u,");
  for (std::size_t u = end; u != std::string::npos; u = name.find("u,", u + 1)) {
    std::size_t begin = u;
    while (begin > 0 && name[begin - 1] >= '0' && name[begin - 1] <= '9') --begin;
    if (u - begin >= 3) return std::stod(name.substr(begin, u - begin));   // 1u, 4u, 16u are thread layouts
  }
  return 0;
}

/// A row of FP8 with its scales.
double fp8_row(double columns) { return columns * kFp8 + columns / kScaleBlock * kFp32; }

/// Columns of the operand that a cast makes: K of the next FP8 GEMM of the phase with as many rows; 0 when there is none.
double columns_of_cast(const Trace& trace, const PhaseRun& phase, std::size_t at, const std::vector<KernelShape>& shapes) {
  const TraceKernel& cast = trace.kernels[phase.kernels[at]];
  for (std::size_t j = at + 1; j < phase.kernels.size(); ++j) {
    const std::size_t i = phase.kernels[j];
    const TraceKernel& k = trace.kernels[i];
    if (holds(k.name, "per_token_cast_to_fp8") && k.grid[0] == cast.grid[0]) return 0;   // that one feeds it
    const KernelShape& s = shapes[i];
    if (s.shape.empty() || (s.kind.family != "gemm" && s.kind.family != "grouped_gemm") || s.kind.variant == "bfloat16") continue;
    const double rows = s.shape.at("m") * (s.kind.family == "grouped_gemm" ? s.shape.at("groups") : 1);
    return rows == cast.grid[0] ? s.shape.at("k") : 0;
  }
  return 0;
}

/// Zero: not known.
double bytes_of(const Trace& trace, const KnownTraining& known, const PhaseRun& phase, std::size_t at, const std::vector<KernelShape>& shapes) {
  const TraceKernel& k = trace.kernels[phase.kernels[at]];
  const std::string& name = k.name;
  // At least: input and output rows forward; two inputs and the gradient backward.
  if (holds(name, "ln_fwd_kernel")) return 2 * phase.tokens * row_length(name) * kBf16;
  if (holds(name, "ln_bwd_kernel")) return 3 * phase.tokens * row_length(name) * kBf16;
  if (holds(name, "swiglu_forward_with_weight_and_per_token_cast_to_fp8")) return k.grid[0] * (2 * known.expert_width * kBf16 + fp8_row(known.expert_width));
  if (holds(name, "per_token_cast_to_fp8_with_channels<__nv_bfloat16")) {
    const double columns = columns_of_cast(trace, phase, at, shapes);
    return k.grid[0] * (columns * kBf16 + fp8_row(columns));
  }
  if (holds(name, "cuda::per_channel_cast_and_transpose<256, 128")) {
    const bool from_fp8 = k.shared_memory < kTile * kBf16;   // a tile is staged in shared memory
    return k.blocks() * kTile * ((from_fp8 ? kFp8 : kBf16) + kFp8);
  }
  if (holds(name, "batched_transpose<512, 128, 1, 1>")) return k.blocks() * kTile * 2 * kFp8;
  if (holds(name, "expand_to_fused_with_scales")) return phase.rows > 0 ? (phase.received + phase.rows) * fp8_row(known.hidden) : 0;
  if (holds(name, "reduce_fused_impl<__nv_bfloat16")) return (phase.rows + phase.received) * known.hidden * kBf16;
  if (name == "rotary_kernel") return 2 * phase.tokens * k.grid[2] * known.rope * kBf16;
  if (holds(name, "vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::BFloat16>, at::detail::Array<char*, 3>")) return k.grid[0] * kTorchBlock * 3 * kBf16;
  if (holds(name, "vectorized_elementwise_kernel<4, at::native::AUnaryFunctor<c10::BFloat16, c10::BFloat16, c10::BFloat16") && holds(name, "Array<char*, 2>")) return k.grid[0] * kTorchBlock * 2 * kBf16;
  const double heads_by_tokens = phase.tokens * known.heads;
  // Reads the output and its gradient, clears the FP32 gradient of the queries; then that becomes BF16.
  if (holds(name, "FlashAttnBwdPreprocess")) return heads_by_tokens * (2 * 128 * kBf16 + (128 + known.rope) * kFp32);
  if (holds(name, "FlashAttnBwdPostprocess")) return heads_by_tokens * (128 + known.rope) * (kFp32 + kBf16);
  return 0;
}

}  // namespace

void add_bytes(const Trace& trace, const KnownTraining& known, const PhaseRun& phase, double sms, std::vector<KernelShape>& shapes) {
  for (std::size_t at = 0; at < phase.kernels.size(); ++at) {
    const TraceKernel& k = trace.kernels[phase.kernels[at]];
    KernelShape& s = shapes[phase.kernels[at]];
    if (s.kind.family != "elementwise" || !s.shape.empty()) continue;
    // With few blocks the last one, partly empty, would count too much.
    if (k.blocks() < 64 && !holds(k.name, "_fwd_") && !holds(k.name, "expand")) continue;
    const double bytes = bytes_of(trace, known, phase, at, shapes);
    if (bytes > 0) s.shape = {{"bytes", bytes}, {"sms", sms}};
  }
}

}  // namespace weft::models
