// Clocks and throttle reasons through NVML, opened at run time; read, never changed.
#pragma once

#include <optional>
#include <string>

#include "models/calibration/measure/abi.h"

namespace weft::cuda {

class Nvml {
 public:
  /// `pci_bus_id` as cudaDeviceGetPCIBusId gives it. Without NVML everything is unknown.
  explicit Nvml(const std::string& pci_bus_id);
  weft_measure_clocks clocks() const;
  /// Of the driver: "580.65.06"; empty: not known.
  std::string driver_version() const;

 private:
  using Status = int;   // 0: success
  void* device_ = nullptr;
  Status (*clock_info_)(void*, int, unsigned*) = nullptr;
  Status (*reasons_)(void*, unsigned long long*) = nullptr;
  Status (*driver_)(char*, unsigned) = nullptr;
};

}  // namespace weft::cuda
