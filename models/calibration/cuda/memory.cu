// HBM: copy, triad and read (streams.h); and the launch of empty kernels.
#include <algorithm>
#include <cmath>

#include "models/calibration/cuda/device.h"
#include "models/calibration/cuda/streams.h"

namespace weft::cuda {
namespace {

constexpr int threads = 512;
constexpr float triad_factor = 3;

__global__ void __launch_bounds__(threads) copy_kernel(const Words4* a, Words4* b, std::int64_t vectors) { copy_body(OnDevice{}, a, b, vectors); }
__global__ void __launch_bounds__(threads) triad_kernel(Words4* a, const Words4* b, const Words4* c, std::int64_t vectors) {
  triad_body(OnDevice{}, a, b, c, triad_factor, vectors);
}
__global__ void __launch_bounds__(threads) read_kernel(const Words4* a, std::uint32_t* sums, std::int64_t vectors) {
  read_body(OnDevice{}, a, sums, vectors);
}
__global__ void empty_kernel() {}

class Stream final : public Kernel {
 public:
  Stream(Device& device, const std::string& variant, std::int64_t bytes)
      : arrays_(variant == "copy" ? 2 : variant == "triad" ? 3 : 1), blocks_(4 * device.sms) {
    if (bytes % (16 * arrays_) != 0) throw Refused("bytes: they have to be a multiple of " + std::to_string(16 * arrays_));
    vectors_ = bytes / 16 / arrays_;
    for (int i = 0; i < arrays_; ++i) {
      arrays_at_[i] = Memory(vectors_ * 16);
      fill_floats(arrays_at_[i], vectors_ * 4, static_cast<std::uint64_t>(i + 1), -1, 1);
    }
    sums_ = Memory(static_cast<std::int64_t>(blocks_) * threads * 4);
  }
  void launch(cudaStream_t stream) override {
    auto* const first = arrays_at_[0].as<Words4>();
    if (arrays_ == 1) read_kernel<<<blocks_, threads, 0, stream>>>(first, sums_.as<std::uint32_t>(), vectors_);
    if (arrays_ == 2) copy_kernel<<<blocks_, threads, 0, stream>>>(first, arrays_at_[1].as<Words4>(), vectors_);
    if (arrays_ == 3) triad_kernel<<<blocks_, threads, 0, stream>>>(first, arrays_at_[1].as<Words4>(), arrays_at_[2].as<Words4>(), vectors_);
    check(cudaGetLastError(), "the memory kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    Comparison c(arrays_ == 1 ? "words whose XOR is wrong" : "|difference|", arrays_ == 3 ? 1e-6 : 0);
    if (arrays_ == 1) {
      std::uint32_t wanted = 0, got = 0;
      for (const std::uint32_t w : arrays_at_[0].read<std::uint32_t>(0, vectors_ * 4)) wanted ^= w;
      for (const std::uint32_t w : sums_.read<std::uint32_t>(0, static_cast<std::int64_t>(blocks_) * threads)) got ^= w;
      c.add(wanted == got ? 0 : 1);
      return c.result();
    }
    // The ends and random vectors of 16 bytes.
    for (const std::int64_t at : some_of(vectors_, 256, 51)) {
      std::vector<std::vector<float>> v;
      for (int i = 0; i < arrays_; ++i) v.push_back(arrays_at_[i].read<float>(at * 4, 4));
      for (std::size_t j = 0; j < 4; ++j) {
        const double wanted = arrays_ == 2 ? v[0][j] : v[1][j] + static_cast<double>(triad_factor) * v[2][j];
        c.add(std::abs((arrays_ == 2 ? v[1][j] : v[0][j]) - wanted));
      }
    }
    return c.result();
  }

 private:
  int arrays_;
  int blocks_;
  std::int64_t vectors_ = 0;
  Memory arrays_at_[3], sums_;
};

class Launch final : public Kernel {
 public:
  explicit Launch(std::int64_t count) : count_(count) {}
  void launch(cudaStream_t stream) override {
    for (std::int64_t i = 0; i < count_; ++i) empty_kernel<<<1, 32, 0, stream>>>();
    check(cudaGetLastError(), "the empty kernel");
  }
  weft_measure_verification verify(cudaStream_t stream) override {
    launch(stream);
    check(cudaStreamSynchronize(stream), "the empty kernel");
    Comparison c("launches that failed: there is nothing to compute", 0);
    c.add(0);
    return c.result();
  }

 private:
  std::int64_t count_;
};

}  // namespace

std::unique_ptr<Kernel> make_memory(Device& device, const std::string& variant, const std::vector<double>& at) {
  return std::make_unique<Stream>(device, variant, static_cast<std::int64_t>(at[0]));
}

std::unique_ptr<Kernel> make_launch(Device&, const std::string&, const std::vector<double>& at) {
  if (at[0] > 1000) throw Refused("count: at most 1000");
  return std::make_unique<Launch>(static_cast<std::int64_t>(at[0]));
}

}  // namespace weft::cuda
