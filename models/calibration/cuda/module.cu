// The module's face: the C ABI of measure/abi.h over the kernels; exceptions end here.
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include <dlfcn.h>

#include "models/calibration/cuda/device.h"
#include "models/calibration/cuda/nvml.h"
#include "models/calibration/cuda/timing.h"
#include "models/calibration/measure/kernel_list.h"

struct weft_measure_session {
  std::string error;
  weft_measure_device info{};
  weft::cuda::Device device;
  std::unique_ptr<weft::cuda::Nvml> nvml;
  std::unique_ptr<weft::cuda::Timer> timer;
  std::unique_ptr<weft::cuda::Kernel> kernel;
};

namespace weft::cuda {
namespace {

using Session = weft_measure_session;

/// Runs what the caller asked for; what is thrown becomes a status and the session's error.
template <class Work>
int guarded(Session& s, const Work& work) {
  try {
    work();
    return WEFT_MEASURE_OK;
  } catch (const Refused& e) {
    s.error = e.what();
    return WEFT_MEASURE_REFUSED;
  } catch (const NotHere& e) {
    s.error = e.what();
    return WEFT_MEASURE_NOT_HERE;
  } catch (const std::exception& e) {
    s.error = e.what();
    return WEFT_MEASURE_FAILED;
  }
}

template <std::size_t N>
void copy_text(char (&into)[N], const std::string& text) {
  std::strncpy(into, text.c_str(), N - 1);
  into[N - 1] = '\0';
}

std::string version_text(int version) { return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10); }

int attribute(cudaDeviceAttr which) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, 0), "cudaDeviceGetAttribute");
  return value;
}

void find_device(Session& s) {
  if (::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) == nullptr) throw NotHere("there is no NVIDIA driver on this machine (libcuda.so.1 is not here)");
  int driver = 0, runtime = 0;
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  const cudaError_t status = cudaGetDeviceCount(&s.device.gpus);
  if (status == cudaErrorInsufficientDriver) {
    throw NotHere("the NVIDIA driver is too old: it runs CUDA " + version_text(driver) + ", the module was built with " + version_text(runtime));
  }
  if (status != cudaSuccess || s.device.gpus == 0) {
    throw NotHere("there is no GPU on this machine that CUDA can use (" + std::string(cudaGetErrorString(status == cudaSuccess ? cudaErrorNoDevice : status)) + ")");
  }
  check(cudaSetDevice(0), "cudaSetDevice");
  cudaDeviceProp prop{};
  check(cudaGetDeviceProperties(&prop, 0), "cudaGetDeviceProperties");
  if (prop.major != 9) {
    throw NotHere("the module's kernels are compiled for Hopper (sm_90a), this GPU is a " + std::string(prop.name) + " (sm_" + std::to_string(prop.major) +
                  std::to_string(prop.minor) + ")");
  }
  char bus[32] = "";
  check(cudaDeviceGetPCIBusId(bus, sizeof bus, 0), "cudaDeviceGetPCIBusId");
  s.nvml = std::make_unique<Nvml>(bus);
  const std::string own = s.nvml->driver_version();
  copy_text(s.info.name, prop.name);
  copy_text(s.info.driver, (own.empty() ? "" : own + ", ") + "CUDA " + version_text(driver));
  copy_text(s.info.runtime, "CUDA " + version_text(runtime));
  s.info.sms = s.device.sms = prop.multiProcessorCount;
  s.info.gpus = s.device.gpus;
  s.info.memory_bytes = static_cast<std::int64_t>(prop.totalGlobalMem);
  s.info.l2_bytes = s.device.l2_bytes = prop.l2CacheSize;
  s.info.sm_clock_mhz = attribute(cudaDevAttrClockRate) / 1e3;
  s.info.memory_clock_mhz = attribute(cudaDevAttrMemoryClockRate) / 1e3;
}

const weft_measure_kernel* kernels(std::int32_t* count) {
  *count = models::measured_kernel_count;
  return models::measured_kernels;
}

int open(const char* parameters, Session** into) {
  auto* const s = new (std::nothrow) Session;
  *into = s;
  if (s == nullptr) return WEFT_MEASURE_FAILED;
  return guarded(*s, [&] {
    if (parameters != nullptr && *parameters != '\0') throw Refused("cuda: takes no parameters");
    find_device(*s);
    // Blocking: the fills and copies of the default stream come before what runs on it.
    check(cudaStreamCreate(&s->device.stream), "cudaStreamCreate");
    s->timer = std::make_unique<Timer>(s->device);
  });
}

void release(Session* s) {
  if (s->kernel == nullptr) return;
  cudaDeviceSynchronize();
  s->timer->forget();
  s->kernel.reset();
}

void close(Session* s) {
  release(s);
  s->timer.reset();
  s->device.cublas.reset();
  if (s->device.stream != nullptr) cudaStreamDestroy(s->device.stream);
  delete s;
}

const char* error(const Session* s) { return s->error.c_str(); }

int device(Session* s, weft_measure_device* into) {
  *into = s->info;
  return WEFT_MEASURE_OK;
}

Make* make_of(const std::string& family) {
  if (family == "gemm") return make_gemm;
  if (family == "gemm_wgrad") return make_gemm_wgrad;
  if (family == "grouped_gemm") return make_grouped_gemm;
  if (family == "mla_decode") return make_mla_decode;
  if (family == "elementwise") return make_elementwise;
  if (family == "router") return make_router;
  if (family == "memory") return make_memory;
  if (family == "launch") return make_launch;
  if (family == "peer_copy") return make_peer_copy;
  if (family == "nccl") return make_nccl;
  throw std::logic_error("a family without a maker: " + family);
}

int prepare(Session* s, std::int32_t number, const double* values, std::int32_t count) {
  return guarded(*s, [&] {
    if (number < 0 || number >= models::measured_kernel_count) throw std::logic_error("no such kernel");
    release(s);
    const weft_measure_kernel& k = models::measured_kernels[number];
    s->kernel = make_of(k.family)(s->device, k.variant, std::vector<double>(values, values + count));
    check(cudaDeviceSynchronize(), "filling the operands");
  });
}

int verify(Session* s, weft_measure_verification* into) {
  return guarded(*s, [&] { *into = s->kernel->verify(s->device.stream); });
}

int run_batch(Session* s, weft_measure_batch* batch) {
  return guarded(*s, [&] {
    batch->graph = s->timer->run(*s->kernel, batch->samples, batch->cold_l2 != 0, batch->graph != 0, batch->times_us) ? 1 : 0;
  });
}

int clocks(Session* s, weft_measure_clocks* into) {
  return guarded(*s, [&] { *into = s->nvml->clocks(); });
}

constexpr weft_measure_module table = {WEFT_MEASURE_ABI_VERSION, "cuda", "1", kernels, open, close, error, device, prepare, verify, run_batch, clocks, release};

}  // namespace
}  // namespace weft::cuda

extern "C" __attribute__((visibility("default"))) const weft_measure_module* weft_measure_entry(void) { return &weft::cuda::table; }
