// A Gpu: what one accelerator can do at most: arithmetic, memory, links; from data files with a source per number.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::models {

struct Gpu {
  std::string name;                            ///< "h800"
  std::string title;
  std::string calibrations_of;                 ///< another GPU, whose calibrations are taken with their rates as parts of the peaks; empty: its own alone
  std::vector<std::string> device_names;       ///< as drivers print them: "NVIDIA H800"; a device matches when it begins with one
  Sourced<double> sms;                         ///< streaming multiprocessors
  Sourced<FlopsPerSecond> bf16_rate;           ///< dense tensor-core peak at boost clock
  Sourced<FlopsPerSecond> fp8_rate;            ///< zero: the GPU has no such unit
  Sourced<FlopsPerSecond> fp4_rate;            ///< zero: the GPU has no such unit
  Sourced<FlopsPerSecond> bf16_sustained_rate; ///< under load, when the clock drops; zero: not known
  Sourced<BytesPerSecond> hbm_rate;
  Sourced<Bytes> memory;
  Sourced<Bytes> l2;
  Sourced<BytesPerSecond> nvlink_rate;         ///< per direction
  Sourced<double> nvlink_gpus;                 ///< GPUs in one NVLink domain
  Sourced<BytesPerSecond> nic_rate;            ///< per GPU and direction, in the usual server
  Sourced<BytesPerSecond> pcie_rate;           ///< per direction
  Sourced<Watts> power;                        ///< board power

  /// Whether kernels of this GPU go by what was measured on that one.
  bool goes_by(const std::string& gpu) const { return name == gpu || calibrations_of == gpu; }
};

/// By name from models/hardware, by path, or an inline object (which may say "extends"). See core::read_named_object.
Gpu read_gpu(JsonReader where, const DataPlaces& data);
/// A named GPU; throws UserError (place `option`) with the known names.
Gpu gpu_named(const std::string& name, const DataPlaces& data, const std::string& option);
std::vector<ConstantUsed> constants_of(const Gpu& gpu);

/// The name of the GPU whose driver name this is ("NVIDIA H100 80GB HBM3" -> "h100"): the longest match; nothing when none matches.
std::optional<std::string> gpu_of_device(const std::string& device, const DataPlaces& data);

}  // namespace weft::models
