// What all kernels of the module share: errors, device memory, the opened device, and what a kernel is.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>

#include "models/calibration/measure/abi.h"

namespace weft::cuda {

/// This shape cannot be run here: WEFT_MEASURE_REFUSED.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// This machine cannot do it: WEFT_MEASURE_NOT_HERE.
struct NotHere : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws std::runtime_error "what: CUDA's words".
void check(cudaError_t status, const char* what);

/// Device memory of the current device. Throws Refused when there is not enough.
class Memory {
 public:
  Memory() = default;
  explicit Memory(std::int64_t bytes);
  ~Memory();
  Memory(Memory&& o) noexcept : at_(o.at_), bytes_(o.bytes_) { o.at_ = nullptr; }
  Memory& operator=(Memory&& o) noexcept {
    std::swap(at_, o.at_);
    std::swap(bytes_, o.bytes_);
    return *this;
  }

  template <class T>
  T* as() const { return static_cast<T*>(at_); }
  std::int64_t bytes() const { return bytes_; }

  /// Copies to the host; waits for all that runs.
  template <class T>
  std::vector<T> read(std::int64_t first, std::int64_t count) const {
    std::vector<T> out(static_cast<std::size_t>(count));
    copy_out(out.data(), first * static_cast<std::int64_t>(sizeof(T)), count * static_cast<std::int64_t>(sizeof(T)));
    return out;
  }
  template <class T>
  void write(const std::vector<T>& from) { copy_in(from.data(), static_cast<std::int64_t>(from.size() * sizeof(T))); }

 private:
  void copy_out(void* to, std::int64_t offset, std::int64_t bytes) const;
  void copy_in(const void* from, std::int64_t bytes);
  void* at_ = nullptr;
  std::int64_t bytes_ = 0;
};

// Random operands, the same for the same seed.
void fill_bf16(const Memory& m, std::int64_t count, std::uint64_t seed, float low = -1, float high = 1);
void fill_e4m3(const Memory& m, std::int64_t count, std::uint64_t seed);   ///< values of [-1, 1)
void fill_floats(const Memory& m, std::int64_t count, std::uint64_t seed, float low, float high);
/// 0 .. count - 1 in random order.
std::vector<std::int32_t> random_order(std::int64_t count, std::uint64_t seed);

class CublasLt;

/// The opened device.
struct Device {
  int sms = 0, gpus = 0;
  std::int64_t l2_bytes = 0;
  cudaStream_t stream = nullptr;
  std::shared_ptr<CublasLt> cublas;   ///< once a GEMM was asked for

  /// SMs of a kernel that was asked for `sms` (0: all). Throws Refused for more than there are.
  int limit(double sms_asked) const;
};

/// What a comparison with the CPU reference found.
class Comparison {
 public:
  Comparison(const char* rule, double tolerance);
  /// A NaN counts as infinitely wrong.
  void add(double error);
  weft_measure_verification result() const { return result_; }

 private:
  weft_measure_verification result_{};
};

/// A kernel at a shape, with its operands on the device.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// Enqueues one run on the stream; no waiting, no allocation.
  virtual void launch(cudaStream_t stream) = 0;
  /// Whether launch() may be captured into a graph.
  virtual bool can_capture() const { return true; }
  /// Before a run, outside its time: waits until the other GPUs are idle.
  virtual void settle() {}
  /// Runs once and compares.
  virtual weft_measure_verification verify(cudaStream_t stream) = 0;
};

/// Makes a kernel of the family; `at` in the order of the fields in measure/kernel_list.h.
using Make = std::unique_ptr<Kernel>(Device& device, const std::string& variant, const std::vector<double>& at);
Make make_gemm, make_gemm_wgrad, make_grouped_gemm, make_mla_decode, make_elementwise, make_router, make_memory, make_launch, make_peer_copy,
    make_nccl;

/// Values of a vector spread over it: the ends and random ones, `count` in all or fewer, ascending, each once.
std::vector<std::int64_t> some_of(std::int64_t size, int count, std::uint64_t seed);

}  // namespace weft::cuda
