#include "models/calibration/cuda/cublaslt.h"

#include <string>

namespace weft::cuda {
namespace {

std::string versioned() { return "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR); }

}  // namespace

CublasLt::CublasLt() : library_({versioned(), "/usr/local/cuda/lib64/" + versioned()}, "a GEMM") {
  library_.find(create_, "cublasLtCreate");
  library_.find(destroy_, "cublasLtDestroy");
  library_.find(status_text_, "cublasLtGetStatusString");
  library_.find(matmul, "cublasLtMatmul");
  library_.find(heuristic, "cublasLtMatmulAlgoGetHeuristic");
  library_.find(desc_create, "cublasLtMatmulDescCreate");
  library_.find(desc_destroy, "cublasLtMatmulDescDestroy");
  library_.find(desc_set, "cublasLtMatmulDescSetAttribute");
  library_.find(layout_create, "cublasLtMatrixLayoutCreate");
  library_.find(layout_destroy, "cublasLtMatrixLayoutDestroy");
  library_.find(preference_create, "cublasLtMatmulPreferenceCreate");
  library_.find(preference_destroy, "cublasLtMatmulPreferenceDestroy");
  library_.find(preference_set, "cublasLtMatmulPreferenceSetAttribute");
  check(create_(&handle), "cublasLtCreate");
}

CublasLt::~CublasLt() { destroy_(handle); }

void CublasLt::check(cublasStatus_t status, const char* what) const {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(what) + ": " + status_text_(status));
}

Matmul::Matmul(std::shared_ptr<CublasLt> lt, const MatmulSpec& spec, const void* a, const float* a_scales, const void* b, const float* b_scales,
               void* d)
    : lt_(std::move(lt)), a_(a), b_(b), d_(d), beta_(spec.accumulate ? 1.0f : 0.0f) {
  lt_->check(lt_->desc_create(&desc_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "cublasLtMatmulDescCreate");
  const cublasOperation_t transposed = CUBLAS_OP_T, plain = CUBLAS_OP_N;
  lt_->check(lt_->desc_set(desc_, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed), "CUBLASLT_MATMUL_DESC_TRANSA");
  lt_->check(lt_->desc_set(desc_, CUBLASLT_MATMUL_DESC_TRANSB, &plain, sizeof plain), "CUBLASLT_MATMUL_DESC_TRANSB");
  if (spec.sms > 0) {
    const std::int32_t target = spec.sms;
    lt_->check(lt_->desc_set(desc_, CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, &target, sizeof target), "CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET");
  }
  set_scales(spec, a_scales, b_scales);
  const cudaDataType in = spec.fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF, out = spec.float_out ? CUDA_R_32F : CUDA_R_16BF;
  const auto m = static_cast<std::uint64_t>(spec.m), n = static_cast<std::uint64_t>(spec.n), k = static_cast<std::uint64_t>(spec.k);
  lt_->check(lt_->layout_create(&a_layout_, in, k, m, spec.k), "cublasLtMatrixLayoutCreate");
  lt_->check(lt_->layout_create(&b_layout_, in, k, n, spec.k), "cublasLtMatrixLayoutCreate");
  lt_->check(lt_->layout_create(&d_layout_, out, n, m, spec.n), "cublasLtMatrixLayoutCreate");
  choose();
}

Matmul::~Matmul() {
  if (d_layout_ != nullptr) lt_->layout_destroy(d_layout_);
  if (b_layout_ != nullptr) lt_->layout_destroy(b_layout_);
  if (a_layout_ != nullptr) lt_->layout_destroy(a_layout_);
  if (desc_ != nullptr) lt_->desc_destroy(desc_);
}

void Matmul::set_scales(const MatmulSpec& spec, const float* a_scales, const float* b_scales) {
  const auto set = [&](Scales scales, const float* at, cublasLtMatmulDescAttributes_t pointer, int mode_attribute) {
    if (scales == Scales::none) return;
    lt_->check(lt_->desc_set(desc_, pointer, &at, sizeof at), "the scales of an operand");
    if (scales == Scales::tensor) return;   // the default mode
#if CUBLAS_VERSION >= 120900
    const std::int32_t mode = scales == Scales::vec128 ? CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F : CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F;
    lt_->check(lt_->desc_set(desc_, static_cast<cublasLtMatmulDescAttributes_t>(mode_attribute), &mode, sizeof mode), "the block scales of an operand");
#else
    (void)mode_attribute;
    throw Refused("block scales need cuBLAS 12.9 or later when the module is built");
#endif
  };
#if CUBLAS_VERSION >= 120900
  constexpr int a_mode = CUBLASLT_MATMUL_DESC_A_SCALE_MODE, b_mode = CUBLASLT_MATMUL_DESC_B_SCALE_MODE;
#else
  constexpr int a_mode = 0, b_mode = 0;
#endif
  set(spec.b_scales, b_scales, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, a_mode);
  set(spec.a_scales, a_scales, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, b_mode);
}

void Matmul::choose() {
  cublasLtMatmulPreference_t preference = nullptr;
  lt_->check(lt_->preference_create(&preference), "cublasLtMatmulPreferenceCreate");
  const auto most = static_cast<std::size_t>(workspace_bytes);
  int found = 0;
  cublasStatus_t status = lt_->preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most);
  if (status == CUBLAS_STATUS_SUCCESS) {
    status = lt_->heuristic(lt_->handle, desc_, b_layout_, a_layout_, d_layout_, d_layout_, preference, 1, &chosen_, &found);
  }
  lt_->preference_destroy(preference);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE || (status == CUBLAS_STATUS_SUCCESS && found == 0)) {
    throw Refused("cuBLASLt has no algorithm for this shape and these types on this GPU");
  }
  lt_->check(status, "cublasLtMatmulAlgoGetHeuristic");
}

void Matmul::run(void* workspace, cudaStream_t stream) const {
  const float one = 1;
  lt_->check(lt_->matmul(lt_->handle, desc_, &one, b_, b_layout_, a_, a_layout_, &beta_, d_, d_layout_, d_, d_layout_, &chosen_.algo, workspace,
                         static_cast<std::size_t>(workspace_bytes), stream),
             "cublasLtMatmul");
}

}  // namespace weft::cuda
