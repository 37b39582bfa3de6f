// How evenly the experts' work falls on the GPUs of an EP group: popularity of experts, where their copies lie, and the load of each GPU.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/core/units.h"

namespace weft::workloads::moe {

/// Load of each logical expert of each layer: tokens that chose it, or any number in proportion to that.
struct ExpertLoads {
  std::uint32_t layers = 0, experts = 0;
  std::vector<double> load;   ///< [layer][expert]
  double at(std::uint32_t layer, std::uint32_t expert) const { return load[std::size_t{layer} * experts + expert]; }
  std::span<const double> of_layer(std::uint32_t layer) const { return std::span(load).subspan(std::size_t{layer} * experts, experts); }
};

/// Where the copies of experts lie: physical slots, `slots / gpus` on each GPU, in order.
struct ExpertPlacement {
  std::uint32_t layers = 0, experts = 0, slots = 0, gpus = 0;
  std::vector<std::uint32_t> expert_of_slot;   ///< [layer][slot]
  std::vector<std::uint32_t> copies;           ///< [layer][expert]
  std::uint32_t slots_per_gpu() const { return slots / gpus; }
};

/// Experts in order, and in order again where there are more slots (slot i has expert i mod experts): where serving engines begin
/// (SGLang's --init-expert-location trivial). `experts` at most `slots`, which divide by `gpus`.
ExpertPlacement in_order(std::uint32_t layers, std::uint32_t experts, std::uint32_t slots, std::uint32_t gpus);
/// The same in another order in each layer, drawn from the seed: experts with a second copy are random ones, and all copies lie anywhere.
ExpertPlacement at_random(std::uint32_t layers, std::uint32_t experts, std::uint32_t slots, std::uint32_t gpus, std::uint64_t seed);

/// In order again, with each layer's experts sorted by their loads: popular ones side by side, and copies of the least popular ones. What a
/// placement costs at worst.
ExpertPlacement popular_together(const ExpertLoads& loads, std::uint32_t slots, std::uint32_t gpus);

/// What the GPUs get when copies of an expert share its load evenly: [layer][gpu], in units of `loads`.
std::vector<double> gpu_loads(const ExpertLoads& loads, const ExpertPlacement& placement);

/// Largest over mean; 1 where there is no load at all.
double max_over_mean(std::span<const double> loads);
/// How unequal they are: 0 when all are the same, near 1 when one has everything (Gini's coefficient); 0 where there is no load.
double gini(std::span<const double> loads);

/// Imbalance of a layer's GPUs: max over mean, 1 when even.
struct Imbalance {
  double mean = 1, worst = 1;   ///< over the layers
};
/// A layer without load counts as even.
Imbalance imbalance_of(const ExpertLoads& loads, const ExpertPlacement& placement);
/// The same from gpu_loads(): max over mean of each layer.
std::vector<double> max_over_means(std::span<const double> gpu_loads, std::uint32_t gpus);

/// What changing from one placement to another takes: experts that a GPU has to fetch because no slot of its own holds them yet.
struct PlacementChange {
  double slots_changed = 0;   ///< part of all slots whose expert is another
  double mean_fetched = 0;    ///< experts that a GPU fetches, all layers together: mean over the GPUs
  double most_fetched = 0;    ///< ... of the GPU that fetches most
};
/// Both of the same shape.
PlacementChange change_between(const ExpertPlacement& before, const ExpertPlacement& after);

}  // namespace weft::workloads::moe
