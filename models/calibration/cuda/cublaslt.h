// cuBLASLt, opened at run time, and one matrix product planned with it.
#pragma once

#include <cstdint>
#include <memory>

#include <cublasLt.h>

#include "models/calibration/cuda/device.h"
#include "models/calibration/cuda/library.h"

namespace weft::cuda {

/// The functions of the library that are used.
class CublasLt {
 public:
  CublasLt();
  ~CublasLt();
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;

  void check(cublasStatus_t status, const char* what) const;

  cublasLtHandle_t handle = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;

 private:
  Library library_;
  decltype(&cublasLtCreate) create_ = nullptr;
  decltype(&cublasLtDestroy) destroy_ = nullptr;
  decltype(&cublasLtGetStatusString) status_text_ = nullptr;
};

/// What the scales of an operand are.
enum class Scales { none, tensor, vec128, blk128 };

/// D[m][n] (+)= A[m][k] B[n][k]^T, all rows contiguous. cuBLAS counts columns first: its A is our B, its D our D transposed.
struct MatmulSpec {
  std::int64_t m = 0, n = 0, k = 0;
  bool fp8 = false;             ///< E4M3 operands, else BF16
  bool float_out = false;       ///< FP32 output, else BF16
  bool accumulate = false;      ///< D += instead of D =
  Scales a_scales = Scales::none, b_scales = Scales::none;
  int sms = 0;                  ///< SMs to plan for; 0: all
};

class Matmul {
 public:
  static constexpr std::int64_t workspace_bytes = std::int64_t{32} << 20;   // NVIDIA's advice for Hopper (cuBLAS manual, cublasSetWorkspace)

  /// Picks the first algorithm of cuBLASLt's heuristic. Throws Refused when there is none.
  Matmul(std::shared_ptr<CublasLt> lt, const MatmulSpec& spec, const void* a, const float* a_scales, const void* b, const float* b_scales, void* d);
  ~Matmul();
  Matmul(const Matmul&) = delete;
  Matmul& operator=(const Matmul&) = delete;

  void run(void* workspace, cudaStream_t stream) const;

 private:
  void set_scales(const MatmulSpec& spec, const float* a_scales, const float* b_scales);
  void choose();

  std::shared_ptr<CublasLt> lt_;
  const void* a_;
  const void* b_;
  void* d_;
  float beta_ = 0;
  cublasLtMatmulDesc_t desc_ = nullptr;
  cublasLtMatrixLayout_t a_layout_ = nullptr, b_layout_ = nullptr, d_layout_ = nullptr;
  cublasLtMatmulHeuristicResult_t chosen_{};
};

}  // namespace weft::cuda
