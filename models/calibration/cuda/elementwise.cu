// RMSNorm, cast, SwiGLU + cast, residual sum, dispatch-style gather and combine-style reduction (rows.h).
#include <algorithm>
#include <cmath>

#include "models/calibration/cuda/device.h"
#include "models/calibration/cuda/reference/rows.h"
#include "models/calibration/cuda/rows.h"

namespace weft::cuda {
namespace {

constexpr int most_threads = 1024;

__global__ void __launch_bounds__(most_threads) norm_kernel(const Words4* x, const Words4* weight, Words4* y, std::int64_t rows) {
  norm_body(OnDevice{}, x, weight, y, rows, hidden_size);
}
__global__ void __launch_bounds__(most_threads) cast_kernel(const std::uint32_t* x, std::uint32_t* codes, float* scales, std::int64_t rows) {
  cast_body(OnDevice{}, x, codes, scales, rows, hidden_size);
}
__global__ void __launch_bounds__(most_threads) swiglu_kernel(const std::uint32_t* x, std::uint32_t* codes, float* scales, std::int64_t rows) {
  swiglu_body(OnDevice{}, x, codes, scales, rows, expert_size);
}
__global__ void __launch_bounds__(most_threads) residual_kernel(const Words4* a, const Words4* b, Words4* c, std::int64_t vectors) {
  residual_body(OnDevice{}, a, b, c, vectors);
}
__global__ void __launch_bounds__(most_threads) permute_kernel(const Words4* from, const Words4* from_scales, const std::int32_t* index, Words4* to,
                                                               Words4* to_scales, std::int64_t rows) {
  permute_body(OnDevice{}, from, from_scales, index, to, to_scales, rows, hidden_size);
}
__global__ void __launch_bounds__(most_threads) reduce_kernel(const Words4* from, const std::int32_t* index, const float* weight, Words4* to,
                                                              std::int64_t rows) {
  reduce_body(OnDevice{}, from, index, weight, to, rows, hidden_size);
}

/// The grid of a kernel: on all SMs several blocks each, on g of them one block of 1,024 threads each (a block lands on an SM of its
/// own as long as one is free).
struct Grid {
  int blocks = 1, threads = 512;
  Grid(const Device& device, double sms, std::int64_t useful) {
    const int limit = device.limit(sms);
    if (sms > 0) threads = most_threads;
    blocks = static_cast<int>(std::clamp<std::int64_t>(useful, 1, sms > 0 ? limit : 4 * limit));
  }
};

std::int64_t rows_of(double bytes, std::int64_t row_bytes) {
  const auto whole = static_cast<std::int64_t>(bytes);
  if (whole % row_bytes != 0) throw Refused("bytes: they have to be a multiple of " + std::to_string(row_bytes) + ", what a row reads and writes");
  return whole / row_bytes;
}

class Norm final : public Kernel {
 public:
  Norm(Device& device, double bytes, double sms)
      : rows_(rows_of(bytes, norm_row_bytes)), grid_(device, sms, rows_), x_(rows_ * hidden_size * 2), weight_(hidden_size * 2), y_(rows_ * hidden_size * 2) {
    fill_bf16(x_, rows_ * hidden_size, 1);
    fill_bf16(weight_, hidden_size, 2, 0.5f, 1.5f);
  }
  void launch(cudaStream_t stream) override {
    norm_kernel<<<grid_.blocks, grid_.threads, grid_.threads / 32 * sizeof(float), stream>>>(x_.as<Words4>(), weight_.as<Words4>(), y_.as<Words4>(), rows_);
    check(cudaGetLastError(), "the RMSNorm kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    Comparison c("|difference|, where the mean square is about one", 0.02);
    const std::vector<std::uint16_t> weight = weight_.read<std::uint16_t>(0, hidden_size);
    for (const std::int64_t row : some_of(rows_, 8, 31)) {
      const std::vector<double> wanted = norm_row(x_.read<std::uint16_t>(row * hidden_size, hidden_size), weight);
      const std::vector<std::uint16_t> got = y_.read<std::uint16_t>(row * hidden_size, hidden_size);
      for (std::size_t i = 0; i < got.size(); ++i) c.add(std::abs(from_bf16(got[i]) - wanted[i]));
    }
    return c.result();
  }

 private:
  std::int64_t rows_;
  Grid grid_;
  Memory x_, weight_, y_;
};

/// Cast and SwiGLU: BF16 in, E4M3 with scales out.
class Quantise final : public Kernel {
 public:
  Quantise(Device& device, bool swiglu, double bytes, double sms)
      : swiglu_(swiglu), in_(swiglu ? 2 * expert_size : hidden_size), out_(swiglu ? expert_size : hidden_size),
        rows_(rows_of(bytes, swiglu ? swiglu_row_bytes : cast_row_bytes)), grid_(device, sms, rows_ * out_ / 128 / 16 + 1), x_(rows_ * in_ * 2),
        codes_(rows_ * out_), scales_(rows_ * out_ / 128 * 4) {
    fill_bf16(x_, rows_ * in_, 1, -2, 2);
  }
  void launch(cudaStream_t stream) override {
    auto* const kernel = swiglu_ ? swiglu_kernel : cast_kernel;
    kernel<<<grid_.blocks, grid_.threads, 0, stream>>>(x_.as<std::uint32_t>(), codes_.as<std::uint32_t>(), scales_.as<float>(), rows_);
    check(cudaGetLastError(), "the cast kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    Comparison c("|difference| / half a step of E4M3", 1.05);
    for (const std::int64_t row : some_of(rows_, 8, 32)) {
      const std::vector<std::uint16_t> x = x_.read<std::uint16_t>(row * in_, in_);
      std::vector<double> values;
      if (swiglu_) values = swiglu_row(x);
      else for (const std::uint16_t v : x) values.push_back(from_bf16(v));
      c.add(quantised_error(values, codes_.read<std::uint8_t>(row * out_, out_), scales_.read<float>(row * out_ / 128, out_ / 128)));
    }
    return c.result();
  }

 private:
  bool swiglu_;
  std::int64_t in_, out_, rows_;
  Grid grid_;
  Memory x_, codes_, scales_;
};

class Residual final : public Kernel {
 public:
  Residual(Device& device, double bytes, double sms)
      : count_(rows_of(bytes, residual_row_bytes) * hidden_size), grid_(device, sms, count_ / 8 / 512 + 1), a_(count_ * 2), b_(count_ * 2), c_(count_ * 2) {
    fill_bf16(a_, count_, 1);
    fill_bf16(b_, count_, 2);
  }
  void launch(cudaStream_t stream) override {
    residual_kernel<<<grid_.blocks, grid_.threads, 0, stream>>>(a_.as<Words4>(), b_.as<Words4>(), c_.as<Words4>(), count_ / 8);
    check(cudaGetLastError(), "the residual kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    Comparison c("|difference|", 1.01 * 0x1p-8);   // half a step of BF16 below 2
    for (const std::int64_t row : some_of(count_ / hidden_size, 8, 33)) {
      const auto a = a_.read<std::uint16_t>(row * hidden_size, hidden_size), b = b_.read<std::uint16_t>(row * hidden_size, hidden_size),
                 got = c_.read<std::uint16_t>(row * hidden_size, hidden_size);
      for (std::size_t i = 0; i < got.size(); ++i) c.add(std::abs(from_bf16(got[i]) - (from_bf16(a[i]) + from_bf16(b[i]))));
    }
    return c.result();
  }

 private:
  std::int64_t count_;
  Grid grid_;
  Memory a_, b_, c_;
};

class Permute final : public Kernel {
 public:
  static constexpr std::int64_t groups = hidden_size / 128;
  Permute(Device& device, double bytes, double sms)
      : rows_(rows_of(bytes, permute_row_bytes)), grid_(device, sms, rows_), from_(rows_ * hidden_size), from_scales_(rows_ * groups * 4), index_(rows_ * 4),
        to_(rows_ * hidden_size), to_scales_(rows_ * groups * 4), order_(random_order(rows_, 3)) {
    fill_e4m3(from_, rows_ * hidden_size, 1);
    fill_floats(from_scales_, rows_ * groups, 2, 0.5f, 1.5f);
    index_.write(order_);
  }
  void launch(cudaStream_t stream) override {
    permute_kernel<<<grid_.blocks, grid_.threads, 0, stream>>>(from_.as<Words4>(), from_scales_.as<Words4>(), index_.as<std::int32_t>(), to_.as<Words4>(),
                                                               to_scales_.as<Words4>(), rows_);
    check(cudaGetLastError(), "the gather kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    Comparison c("rows that are not those asked for", 0);
    for (const std::int64_t row : some_of(rows_, 32, 34)) {
      const std::int64_t source = order_[static_cast<std::size_t>(row)];
      const bool same = to_.read<std::uint8_t>(row * hidden_size, hidden_size) == from_.read<std::uint8_t>(source * hidden_size, hidden_size) &&
                        to_scales_.read<float>(row * groups, groups) == from_scales_.read<float>(source * groups, groups);
      c.add(same ? 0 : 1);
    }
    return c.result();
  }

 private:
  std::int64_t rows_;
  Grid grid_;
  Memory from_, from_scales_, index_, to_, to_scales_;
  std::vector<std::int32_t> order_;
};

class Reduce final : public Kernel {
 public:
  Reduce(Device& device, double bytes, double sms)
      : rows_(rows_of(bytes, reduce_row_bytes)), grid_(device, sms, rows_), from_(rows_ * combined_rows * hidden_size * 2),
        index_(rows_ * combined_rows * 4), weight_(rows_ * combined_rows * 4), to_(rows_ * hidden_size * 2), order_(random_order(rows_ * combined_rows, 3)) {
    fill_bf16(from_, rows_ * combined_rows * hidden_size, 1);
    fill_floats(weight_, rows_ * combined_rows, 2, 0, 0.25f);
    index_.write(order_);
  }
  void launch(cudaStream_t stream) override {
    reduce_kernel<<<grid_.blocks, grid_.threads, 0, stream>>>(from_.as<Words4>(), index_.as<std::int32_t>(), weight_.as<float>(), to_.as<Words4>(), rows_);
    check(cudaGetLastError(), "the combine kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    Comparison c("|difference|", 1.01 * 0x1p-8);   // half a step of BF16 below 2
    for (const std::int64_t row : some_of(rows_, 8, 35)) {
      std::vector<std::vector<std::uint16_t>> rows;
      for (int j = 0; j < combined_rows; ++j) {
        const std::int64_t source = order_[static_cast<std::size_t>(row * combined_rows + j)];
        rows.push_back(from_.read<std::uint16_t>(source * hidden_size, hidden_size));
      }
      const std::vector<double> wanted = weighted_sum(rows, weight_.read<float>(row * combined_rows, combined_rows));
      const std::vector<std::uint16_t> got = to_.read<std::uint16_t>(row * hidden_size, hidden_size);
      for (std::size_t i = 0; i < got.size(); ++i) c.add(std::abs(from_bf16(got[i]) - wanted[i]));
    }
    return c.result();
  }

 private:
  std::int64_t rows_;
  Grid grid_;
  Memory from_, index_, weight_, to_;
  std::vector<std::int32_t> order_;
};

}  // namespace

std::unique_ptr<Kernel> make_elementwise(Device& device, const std::string& variant, const std::vector<double>& at) {
  if (variant == "norm") return std::make_unique<Norm>(device, at[0], at[1]);
  if (variant == "residual") return std::make_unique<Residual>(device, at[0], at[1]);
  if (variant == "permute") return std::make_unique<Permute>(device, at[0], at[1]);
  if (variant == "reduce") return std::make_unique<Reduce>(device, at[0], at[1]);
  return std::make_unique<Quantise>(device, variant == "swiglu", at[0], at[1]);
}

}  // namespace weft::cuda
