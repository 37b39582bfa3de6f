#include "workloads/moe/balance.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::workloads::moe {

ExpertPlacement in_order(std::uint32_t layers, std::uint32_t experts, std::uint32_t slots, std::uint32_t gpus) {
  WEFT_CHECK(experts > 0 && experts <= slots && gpus > 0 && slots % gpus == 0, "every expert has a slot, every GPU equally many");
  ExpertPlacement p{layers, experts, slots, gpus, {}, {}};
  p.expert_of_slot.resize(std::size_t{layers} * slots);
  p.copies.assign(std::size_t{layers} * experts, 0);
  for (std::size_t i = 0; i < p.expert_of_slot.size(); ++i) {
    const auto e = static_cast<std::uint32_t>(i % slots % experts);
    p.expert_of_slot[i] = e;
    ++p.copies[i / slots * experts + e];
  }
  return p;
}

namespace {

/// Fisher and Yates' shuffle, one draw an element.
void shuffle(std::span<std::uint32_t> list, Draws draws) {
  for (std::size_t n = list.size(); n > 1; --n) std::swap(list[n - 1], list[draws.below(n)]);
}

}  // namespace

ExpertPlacement at_random(std::uint32_t layers, std::uint32_t experts, std::uint32_t slots, std::uint32_t gpus, std::uint64_t seed) {
  ExpertPlacement p = in_order(layers, experts, slots, gpus);
  std::vector<std::uint32_t> name(experts);
  for (std::uint32_t l = 0; l < layers; ++l) {
    std::iota(name.begin(), name.end(), 0u);
    shuffle(name, Draws(seed, "experts with copies", l));
    const std::span<std::uint32_t> slot = std::span(p.expert_of_slot).subspan(std::size_t{l} * slots, slots);
    for (std::uint32_t& e : slot) e = name[e];
    shuffle(slot, Draws(seed, "slots of experts", l));
    std::uint32_t* const copies = &p.copies[std::size_t{l} * experts];
    std::fill_n(copies, experts, 0u);
    for (const std::uint32_t e : slot) ++copies[e];
  }
  return p;
}

ExpertPlacement popular_together(const ExpertLoads& loads, std::uint32_t slots, std::uint32_t gpus) {
  ExpertPlacement p = in_order(loads.layers, loads.experts, slots, gpus);
  std::vector<std::uint32_t> name(loads.experts);
  for (std::uint32_t l = 0; l < loads.layers; ++l) {
    std::iota(name.begin(), name.end(), 0u);
    std::stable_sort(name.begin(), name.end(), [&](std::uint32_t a, std::uint32_t b) { return loads.at(l, a) < loads.at(l, b); });
    const std::span<std::uint32_t> slot = std::span(p.expert_of_slot).subspan(std::size_t{l} * slots, slots);
    for (std::uint32_t& e : slot) e = name[e];
    std::uint32_t* const copies = &p.copies[std::size_t{l} * loads.experts];
    std::fill_n(copies, loads.experts, 0u);
    for (const std::uint32_t e : slot) ++copies[e];
  }
  return p;
}

std::vector<double> gpu_loads(const ExpertLoads& loads, const ExpertPlacement& p) {
  WEFT_CHECK(loads.layers == p.layers && loads.experts == p.experts, "loads and placement are of the same layers and experts");
  std::vector<double> out(std::size_t{p.layers} * p.gpus, 0);
  const std::uint32_t of_gpu = p.slots_per_gpu();
  for (std::uint32_t l = 0; l < p.layers; ++l) {
    for (std::uint32_t s = 0; s < p.slots; ++s) {
      const std::uint32_t e = p.expert_of_slot[std::size_t{l} * p.slots + s];
      out[std::size_t{l} * p.gpus + s / of_gpu] += loads.at(l, e) / p.copies[std::size_t{l} * p.experts + e];
    }
  }
  return out;
}

double max_over_mean(std::span<const double> loads) {
  if (loads.empty()) return 1;
  const double sum = std::accumulate(loads.begin(), loads.end(), 0.0);
  return sum > 0 ? *std::max_element(loads.begin(), loads.end()) / (sum / static_cast<double>(loads.size())) : 1;
}

// With loads in ascending order, G = sum over i = 1..n of (2i - n - 1) x_i / (n sum x).
double gini(std::span<const double> loads) {
  std::vector<double> sorted(loads.begin(), loads.end());
  std::sort(sorted.begin(), sorted.end());
  const double n = static_cast<double>(sorted.size());
  double sum = 0, weighted = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    weighted += (2 * static_cast<double>(i) + 1 - n) * sorted[i];
  }
  return sum > 0 ? weighted / (n * sum) : 0;
}

std::vector<double> max_over_means(std::span<const double> gpu_loads, std::uint32_t gpus) {
  std::vector<double> out;
  for (std::size_t at = 0; at + gpus <= gpu_loads.size(); at += gpus) out.push_back(max_over_mean(gpu_loads.subspan(at, gpus)));
  return out;
}

Imbalance imbalance_of(const ExpertLoads& loads, const ExpertPlacement& placement) {
  const std::vector<double> layers = max_over_means(gpu_loads(loads, placement), placement.gpus);
  if (layers.empty()) return {};
  return {std::accumulate(layers.begin(), layers.end(), 0.0) / static_cast<double>(layers.size()), *std::max_element(layers.begin(), layers.end())};
}

PlacementChange change_between(const ExpertPlacement& before, const ExpertPlacement& after) {
  WEFT_CHECK(before.layers == after.layers && before.slots == after.slots && before.gpus == after.gpus && before.slots > 0, "placements of one shape");
  const std::uint32_t of_gpu = after.slots_per_gpu();
  std::vector<double> fetched(after.gpus, 0);
  double changed = 0;
  for (std::size_t at = 0; at < after.expert_of_slot.size(); at += of_gpu) {
    const auto held = std::span(before.expert_of_slot).subspan(at, of_gpu), due = std::span(after.expert_of_slot).subspan(at, of_gpu);
    double& here = fetched[at % after.slots / of_gpu];
    for (std::uint32_t i = 0; i < of_gpu; ++i) {
      changed += held[i] != due[i];
      const bool earlier = std::find(due.begin(), due.begin() + i, due[i]) != due.begin() + i;   // a second copy on this GPU
      if (!earlier && std::find(held.begin(), held.end(), due[i]) == held.end()) here += 1;
    }
  }
  return {changed / static_cast<double>(after.expert_of_slot.size()), std::accumulate(fetched.begin(), fetched.end(), 0.0) / after.gpus,
          *std::max_element(fetched.begin(), fetched.end())};
}

}  // namespace weft::workloads::moe
