// How evenly the experts' work falls on the GPUs of an EP group: popularity of experts, where their copies lie, and the load of each GPU.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/units.h"

namespace weft::workloads::moe {

/// Load of each logical expert of each layer: tokens that chose it, or any number in proportion to that.
struct ExpertLoads {
  std::uint32_t layers = 0, experts = 0;
  std::vector<double> load;   ///< [layer][expert]
  double at(std::uint32_t layer, std::uint32_t expert) const { return load[std::size_t{layer} * experts + expert]; }
};

/// Where the copies of experts lie: physical slots, `slots / gpus` on each GPU, in order.
struct ExpertPlacement {
  std::uint32_t layers = 0, experts = 0, slots = 0, gpus = 0;
  std::vector<std::uint32_t> expert_of_slot;   ///< [layer][slot]
  std::vector<std::uint32_t> copies;           ///< [layer][expert]
};

/// What the GPUs get when copies of an expert share its load evenly: [layer][gpu], in units of `loads`.
std::vector<double> gpu_loads(const ExpertLoads& loads, const ExpertPlacement& placement);

/// Imbalance of a layer's GPUs: max over mean, 1 when even.
struct Imbalance {
  double mean = 1, worst = 1;   ///< over the layers
};
Imbalance imbalance_of(const ExpertLoads& loads, const ExpertPlacement& placement);

}  // namespace weft::workloads::moe
