#include "topology/kinds/layers.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::topology {

std::int64_t Blocks::in_bin(std::int64_t bin) const {
  return std::clamp<std::int64_t>(count - bin * size, 0, size);
}

Blocks spread(std::int64_t count, std::int64_t bins, std::int64_t capacity, std::int64_t granule) {
  Blocks b{count, std::max<std::int64_t>(1, ceil_div(count, bins))};
  WEFT_CHECK(b.size <= capacity || count == 0, fmt::format("{} into {} bins of {}", count, bins, capacity));
  const std::int64_t whole = ceil_div(b.size, granule) * granule;
  if (whole <= capacity && (bins - 1) * whole < count) b.size = whole;
  return b;
}

std::int64_t Deal::parallel(std::int64_t i, std::int64_t s) const {
  // Cable number n of all goes to upper switch n mod upper; lower switch i has the numbers from i * uplinks on.
  const std::int64_t first = i * uplinks % upper;
  const std::int64_t place = (s - first + upper) % upper;
  return uplinks / upper + (place < uplinks % upper ? 1 : 0);
}

void Deal::build(FabricBuilder& b, const std::vector<VertexId>& lower_switches,
                 const std::vector<VertexId>& upper_switches) const {
  for (std::int64_t i = 0; i < lower; ++i) {
    for (std::int64_t s = 0; s < upper; ++s) {
      const auto n = static_cast<std::uint32_t>(parallel(i, s));
      if (n > 0) b.connect(lower_switches[i], upper_switches[s], CableClass::long_haul, n);
    }
  }
}

TwoLayers TwoLayers::smallest(std::int64_t radix, std::int64_t leaves) {
  TwoLayers t{radix, leaves, 0};
  if (leaves > 1) t.spines = ceil_div(leaves * t.half(), radix);
  return t;
}

std::int64_t TwoLayers::max_ports(std::int64_t hosts) const {
  return std::max(hosts + deal().ports_up(), deal().ports_down());
}

ThreeLayers ThreeLayers::smallest(std::int64_t radix, std::int64_t edges) {
  ThreeLayers t;
  t.radix = radix;
  t.edges = edges;
  t.pods = ceil_div(edges, t.half());
  t.edges_of_pod = spread(edges, t.pods, t.half());
  if (edges > 1) t.aggs = t.edges_of_pod.largest();
  if (t.pods > 1) t.cores_per_group = ceil_div(t.pods * t.half(), radix);
  return t;
}

std::int64_t ThreeLayers::cables() const {
  const std::int64_t below = aggs > 0 ? edges * half() : 0;
  return below + aggs * to_core().cables();
}

std::int64_t ThreeLayers::max_ports(std::int64_t hosts) const {
  std::int64_t most = hosts + in_pod(0).ports_up();
  if (aggs > 0) most = std::max(most, in_pod(0).ports_down() + to_core().ports_up());
  return std::max(most, to_core().ports_down());
}

void ThreeLayers::build_above(FabricBuilder& b, const std::vector<VertexId>& edge_switches) const {
  std::vector<std::vector<VertexId>> group(aggs);  // aggregation switch j of every pod
  for (std::int64_t p = 0; p < pods; ++p) {
    std::vector<VertexId> above;
    for (std::int64_t j = 0; j < aggs; ++j) {
      above.push_back(b.add_switch(1, p, j, fmt::format("pod{}.agg{}", p, j)));
      group[j].push_back(above.back());
    }
    const auto first = edge_switches.begin() + p * edges_of_pod.size;
    in_pod(p).build(b, {first, first + edges_of_pod.in_bin(p)}, above);
  }
  for (std::int64_t j = 0; j < aggs && cores_per_group > 0; ++j) {
    std::vector<VertexId> cores;
    for (std::int64_t c = 0; c < cores_per_group; ++c) {
      const std::int64_t index = j * cores_per_group + c;
      cores.push_back(b.add_switch(2, 0, index, fmt::format("core{}", index)));
    }
    to_core().build(b, group[j], cores);
  }
}

}  // namespace weft::topology
