#include "models/calibration/cuda/device.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "models/calibration/cuda/here.h"

namespace weft::cuda {
namespace {

constexpr int fill_threads = 256, fill_blocks = 2048;

__global__ void fill_bf16_kernel(std::uint16_t* to, std::int64_t count, std::uint64_t seed, float low, float high) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
    to[i] = to_bf16(random_between(seed, static_cast<std::uint64_t>(i), low, high));
  }
}

__global__ void fill_e4m3_kernel(std::uint8_t* to, std::int64_t count, std::uint64_t seed) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
    to[i] = to_e4m3(random_between(seed, static_cast<std::uint64_t>(i), -1.0f, 1.0f));
  }
}

__global__ void fill_floats_kernel(float* to, std::int64_t count, std::uint64_t seed, float low, float high) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
    to[i] = random_between(seed, static_cast<std::uint64_t>(i), low, high);
  }
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ")");
}

Memory::Memory(std::int64_t bytes) : bytes_(bytes) {
  const cudaError_t status = cudaMalloc(&at_, static_cast<std::size_t>(std::max<std::int64_t>(bytes, 16)));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();   // it is no error of the kernels to come
    throw Refused("there are not " + std::to_string(bytes >> 20) + " MiB of device memory left for an operand");
  }
  check(status, "cudaMalloc");
}

Memory::~Memory() {
  if (at_ != nullptr) cudaFree(at_);
}

void Memory::copy_out(void* to, std::int64_t offset, std::int64_t bytes) const {
  if (offset < 0 || offset + bytes > bytes_) throw std::logic_error("a read beyond an operand");
  check(cudaDeviceSynchronize(), "waiting for the kernel");
  check(cudaMemcpy(to, static_cast<const char*>(at_) + offset, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost), "cudaMemcpy");
}

void Memory::copy_in(const void* from, std::int64_t bytes) {
  if (bytes > bytes_) throw std::logic_error("a write beyond an operand");
  check(cudaMemcpy(at_, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice), "cudaMemcpy");
}

void fill_bf16(const Memory& m, std::int64_t count, std::uint64_t seed, float low, float high) {
  fill_bf16_kernel<<<fill_blocks, fill_threads>>>(m.as<std::uint16_t>(), count, seed, low, high);
  check(cudaGetLastError(), "filling an operand");
}

void fill_e4m3(const Memory& m, std::int64_t count, std::uint64_t seed) {
  fill_e4m3_kernel<<<fill_blocks, fill_threads>>>(m.as<std::uint8_t>(), count, seed);
  check(cudaGetLastError(), "filling an operand");
}

void fill_floats(const Memory& m, std::int64_t count, std::uint64_t seed, float low, float high) {
  fill_floats_kernel<<<fill_blocks, fill_threads>>>(m.as<float>(), count, seed, low, high);
  check(cudaGetLastError(), "filling an operand");
}

std::vector<std::int32_t> random_order(std::int64_t count, std::uint64_t seed) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) order[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i);
  for (std::int64_t i = count - 1; i > 0; --i) {
    const std::uint64_t other = random_bits(seed, static_cast<std::uint64_t>(i)) % static_cast<std::uint64_t>(i + 1);
    std::swap(order[static_cast<std::size_t>(i)], order[other]);
  }
  return order;
}

int Device::limit(double sms_asked) const {
  if (sms_asked > sms) throw Refused("sms: the device has " + std::to_string(sms));
  return sms_asked > 0 ? static_cast<int>(sms_asked) : sms;
}

Comparison::Comparison(const char* rule, double tolerance) {
  std::strncpy(result_.rule, rule, sizeof result_.rule - 1);
  result_.tolerance = tolerance;
}

void Comparison::add(double error) {
  if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
  result_.max_error = std::max(result_.max_error, error);
  ++result_.checked;
}

std::vector<std::int64_t> some_of(std::int64_t size, int count, std::uint64_t seed) {
  std::set<std::int64_t> chosen = {0, size - 1};
  for (int i = 0; i < count - 2; ++i) {
    chosen.insert(static_cast<std::int64_t>(random_bits(seed, static_cast<std::uint64_t>(i)) % static_cast<std::uint64_t>(size)));
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace weft::cuda
