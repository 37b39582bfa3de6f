#include "models/calibration/cuda/nvml.h"

#include <cstring>

#include <dlfcn.h>

namespace weft::cuda {
namespace {

// Of NVML's API reference: nvmlClockType_t and nvmlClocksEventReasons. That a GPU is idle between two batches holds nothing down.
constexpr int clock_sm = 1, clock_memory = 2;
struct Reason {
  unsigned long long bit;
  const char* name;
};
constexpr Reason reasons[] = {{0x2, "applications_clocks_setting"}, {0x4, "sw_power_cap"},        {0x8, "hw_slowdown"},
                              {0x10, "sync_boost"},                 {0x20, "sw_thermal_slowdown"}, {0x40, "hw_thermal_slowdown"},
                              {0x80, "hw_power_brake_slowdown"},    {0x100, "display_clock_setting"}};

template <class Function>
void find(void* library, Function& into, const char* name) {
  if (into == nullptr) into = reinterpret_cast<Function>(::dlsym(library, name));
}

}  // namespace

Nvml::Nvml(const std::string& pci_bus_id) {
  void* const library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return;
  Status (*init)() = nullptr;
  Status (*handle)(const char*, void**) = nullptr;
  find(library, init, "nvmlInit_v2");
  find(library, handle, "nvmlDeviceGetHandleByPciBusId_v2");
  find(library, clock_info_, "nvmlDeviceGetClockInfo");
  find(library, reasons_, "nvmlDeviceGetCurrentClocksEventReasons");
  find(library, reasons_, "nvmlDeviceGetCurrentClocksThrottleReasons");   // its name before driver 535
  find(library, driver_, "nvmlSystemGetDriverVersion");
  if (init == nullptr || handle == nullptr || init() != 0 || handle(pci_bus_id.c_str(), &device_) != 0) device_ = nullptr;
}

std::string Nvml::driver_version() const {
  char text[96] = "";
  if (device_ == nullptr || driver_ == nullptr || driver_(text, sizeof text) != 0) return {};
  return text;
}

weft_measure_clocks Nvml::clocks() const {
  weft_measure_clocks c{};
  unsigned sm = 0, memory = 0;
  if (device_ == nullptr || clock_info_ == nullptr || clock_info_(device_, clock_sm, &sm) != 0 || clock_info_(device_, clock_memory, &memory) != 0) return c;
  c.known = 1;
  c.sm_mhz = sm;
  c.memory_mhz = memory;
  unsigned long long bits = 0;
  if (reasons_ == nullptr || reasons_(device_, &bits) != 0) return c;
  std::string text;
  for (const Reason& r : reasons) {
    if ((bits & r.bit) != 0) text += (text.empty() ? "" : ",") + std::string(r.name);
  }
  std::strncpy(c.throttle, text.c_str(), sizeof c.throttle - 1);
  return c;
}

}  // namespace weft::cuda
