#include "models/calibration/cuda/gemm.h"

#include <cmath>

#include "models/calibration/cuda/reference/gemm.h"

namespace weft::cuda {
namespace {

std::int64_t scale_count(Scales kind, std::int64_t rows, std::int64_t k) {
  if (kind == Scales::vec128) return vec128_count(rows, k);
  if (kind == Scales::blk128) return blk128_count(rows, k);
  return kind == Scales::tensor ? 1 : 0;
}

void demand(bool holds, const char* what) {
  if (!holds) throw Refused(what);
}

}  // namespace

std::shared_ptr<CublasLt> cublas_of(Device& device) {
  if (device.cublas == nullptr) device.cublas = std::make_shared<CublasLt>();
  return device.cublas;
}

Gemm::Gemm(const std::shared_ptr<CublasLt>& lt, const MatmulSpec& spec, std::int64_t padded_rows, std::uint64_t seed) : spec_(spec) {
  const bool blocks = spec.a_scales == Scales::vec128;
  if (spec.fp8) {
    demand(spec.k % 16 == 0 && spec.n % 16 == 0, "n and k have to be multiples of 16 for cuBLASLt's FP8");
    demand(!blocks || spec.m % 4 == 0, "m has to be a multiple of 4 for cuBLASLt's block scales");
  } else {
    demand(spec.k % 8 == 0 && spec.n % 8 == 0, "n and k have to be multiples of 8 for 16-byte rows of BF16");
  }
  const std::int64_t element = spec.fp8 ? 1 : 2;
  a_ = Memory(padded_rows * spec.k * element);
  b_ = Memory(spec.n * spec.k * element);
  d_ = Memory(spec.m * spec.n * (spec.float_out ? 4 : 2));
  a_scales_ = Memory(4 * scale_count(spec.a_scales, spec.m, spec.k));
  b_scales_ = Memory(4 * scale_count(spec.b_scales, spec.n, spec.k));
  if (spec.fp8) {
    fill_e4m3(a_, padded_rows * spec.k, seed);
    fill_e4m3(b_, spec.n * spec.k, seed + 1);
  } else {
    fill_bf16(a_, padded_rows * spec.k, seed);
    fill_bf16(b_, spec.n * spec.k, seed + 1);
  }
  if (spec.float_out) fill_floats(d_, spec.m * spec.n, seed + 2, -1, 1);
  if (spec.a_scales != Scales::none) fill_floats(a_scales_, scale_count(spec.a_scales, spec.m, spec.k), seed + 3, 0.5f, 1.5f);
  if (spec.b_scales != Scales::none) fill_floats(b_scales_, scale_count(spec.b_scales, spec.n, spec.k), seed + 4, 0.5f, 1.5f);
  matmul_ = std::make_unique<Matmul>(lt, spec, a_.as<void>(), a_scales_.as<float>(), b_.as<void>(), b_scales_.as<float>(), d_.as<void>());
}

std::vector<double> Gemm::operand_row(const Memory& operand, const Memory& scales, Scales kind, std::int64_t row, std::int64_t rows) const {
  if (!spec_.fp8) return values_of(operand.read<std::uint16_t>(row * spec_.k, spec_.k));
  const std::vector<float> all = scales.read<float>(0, scale_count(kind, rows, spec_.k));
  return values_of(operand.read<std::uint8_t>(row * spec_.k, spec_.k), [&](std::int64_t k_block) -> double {
    if (kind == Scales::tensor) return all[0];
    return all[static_cast<std::size_t>(kind == Scales::vec128 ? vec128_at(row, k_block, rows) : blk128_at(row, k_block, spec_.k))];
  });
}

double Gemm::output_at(std::int64_t row, std::int64_t column) const {
  const std::int64_t at = row * spec_.n + column;
  return spec_.float_out ? d_.read<float>(at, 1)[0] : from_bf16(d_.read<std::uint16_t>(at, 1)[0]);
}

Gemm::Before Gemm::remember(int lines) const {
  Before b{some_of(spec_.m, lines, 11), some_of(spec_.n, lines, 12), {}};
  for (const std::int64_t row : b.rows) {
    for (const std::int64_t column : b.columns) b.values.push_back(spec_.accumulate ? output_at(row, column) : 0);
  }
  return b;
}

void Gemm::compare_with(const Before& before, Comparison& into) const {
  std::vector<std::vector<double>> columns;
  for (const std::int64_t column : before.columns) columns.push_back(operand_row(b_, b_scales_, spec_.b_scales, column, spec_.n));
  std::size_t at = 0;
  for (const std::int64_t row : before.rows) {
    const std::vector<double> values = operand_row(a_, a_scales_, spec_.a_scales, row, spec_.m);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const Dot wanted = dot(values, columns[c]);
      into.add(std::abs(output_at(row, before.columns[c]) - (before.values[at++] + wanted.value)) / wanted.size);
    }
  }
}

namespace {

class OneGemm final : public Kernel {
 public:
  OneGemm(Device& device, const MatmulSpec& spec)
      : workspace_(Matmul::workspace_bytes), gemm_(cublas_of(device), spec, spec.m, 1), fp8_(spec.fp8) {}

  void launch(cudaStream_t stream) override { gemm_.run(workspace_.as<void>(), stream); }

  weft_measure_verification verify(cudaStream_t stream) override {
    Comparison c(Gemm::rule, Gemm::tolerance(fp8_));
    gemm_.compare([&] { launch(stream); }, 12, c);
    return c.result();
  }

 private:
  Memory workspace_;
  Gemm gemm_;
  bool fp8_;
};

MatmulSpec spec_of(Device& device, const std::string& variant, const std::vector<double>& at) {
  MatmulSpec s;
  s.m = static_cast<std::int64_t>(at[0]);
  s.n = static_cast<std::int64_t>(at[1]);
  s.k = static_cast<std::int64_t>(at[2]);
  s.fp8 = variant != "bfloat16";
  if (variant == "fp8") s.a_scales = s.b_scales = Scales::tensor;
  if (variant == "fp8_block") {
    s.a_scales = Scales::vec128;
    s.b_scales = Scales::blk128;
  }
  s.sms = at[3] > 0 ? device.limit(at[3]) : 0;
  return s;
}

}  // namespace

std::unique_ptr<Kernel> make_gemm(Device& device, const std::string& variant, const std::vector<double>& at) {
  return std::make_unique<OneGemm>(device, spec_of(device, variant, at));
}

std::unique_ptr<Kernel> make_gemm_wgrad(Device& device, const std::string& variant, const std::vector<double>& at) {
  MatmulSpec s = spec_of(device, variant, at);
  s.float_out = s.accumulate = true;
  if (s.fp8) {
    s.b_scales = Scales::vec128;   // both operands are activations
    if (s.n % 4 != 0) throw Refused("n has to be a multiple of 4 for cuBLASLt's block scales");
  }
  return std::make_unique<OneGemm>(device, s);
}

}  // namespace weft::cuda
