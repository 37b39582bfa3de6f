// A Gemm: operands, scales and output of one matrix product on the device, and its comparison with the CPU reference.
#pragma once

#include <memory>

#include "models/calibration/cuda/cublaslt.h"

namespace weft::cuda {

class Gemm {
 public:
  /// `padded_rows`: rows that the activations' buffer has (m or more); operands are random, drawn from `seed`.
  /// Throws Refused for what cuBLASLt does not take: FP8 wants k in multiples of 16 and n in multiples of 16, block scales also m in
  /// multiples of 4; BF16 wants n and k in multiples of 8 (16 bytes).
  Gemm(const std::shared_ptr<CublasLt>& lt, const MatmulSpec& spec, std::int64_t padded_rows, std::uint64_t seed);

  void run(void* workspace, cudaStream_t stream) const { matmul_->run(workspace, stream); }

  /// Calls `run`, which runs this product once, and compares the crossings of some rows and columns.
  template <class Run>
  void compare(const Run& run, int lines, Comparison& into) const {
    const Before before = remember(lines);
    run();
    compare_with(before, into);
  }

  static double tolerance(bool fp8) { return fp8 ? 0.05 : 0.02; }
  static constexpr char rule[] = "|difference| / sqrt(sum of squared products)";

 private:
  struct Before {
    std::vector<std::int64_t> rows, columns;
    std::vector<double> values;   // of D, where it is accumulated; by rows, then columns
  };
  Before remember(int lines) const;
  void compare_with(const Before& before, Comparison& into) const;
  double output_at(std::int64_t row, std::int64_t column) const;
  std::vector<double> operand_row(const Memory& operand, const Memory& scales, Scales kind, std::int64_t row, std::int64_t rows) const;

  MatmulSpec spec_;
  Memory a_, b_, d_, a_scales_, b_scales_;
  std::unique_ptr<Matmul> matmul_;
};

/// The library, opened with the first GEMM.
std::shared_ptr<CublasLt> cublas_of(Device& device);

}  // namespace weft::cuda
