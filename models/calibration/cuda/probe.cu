// Whether this nvcc, its host compiler and its headers can build the module: compiled when Meson configures.
#include <cstdint>
#include <string>

#include <cublasLt.h>
#include <cuda_fp8.h>
#include <cuda_runtime_api.h>

__global__ void probe(std::uint8_t* to) { *to = __nv_cvt_float_to_fp8(1.0f, __NV_SATFINITE, __NV_E4M3); }
