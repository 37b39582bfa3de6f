// Layers of a fat tree: how endpoints fill switches and how uplinks spread over the layer above, counted and built alike.
#pragma once

#include <cstdint>
#include <vector>

#include "topology/fabric.h"

namespace weft::topology {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Things put into bins in consecutive blocks of one size; the last bins may hold less.
struct Blocks {
  std::int64_t count = 0;
  std::int64_t size = 1;

  std::int64_t bin_of(std::int64_t i) const { return i / size; }
  std::int64_t in_bin(std::int64_t bin) const;
  std::int64_t largest() const { return count < size ? count : size; }
};

/// Blocks as even as whole numbers allow; a multiple of `granule` (the NICs of a node, so that no node is split) where
/// that fits into `capacity` and leaves no bin empty.
Blocks spread(std::int64_t count, std::int64_t bins, std::int64_t capacity, std::int64_t granule = 1);

/// `lower` switches with `uplinks` cables each, dealt out in turn to `upper` switches: as even as whole numbers allow.
struct Deal {
  std::int64_t lower = 0, upper = 0, uplinks = 0;

  std::int64_t cables() const { return upper > 0 ? lower * uplinks : 0; }
  std::int64_t ports_up() const { return upper > 0 ? uplinks : 0; }                        ///< on a lower switch
  std::int64_t ports_down() const { return upper > 0 ? ceil_div(lower * uplinks, upper) : 0; }  ///< on the fullest upper one
  /// Parallel cables between lower switch i and upper switch s.
  std::int64_t parallel(std::int64_t i, std::int64_t s) const;
  void build(FabricBuilder& b, const std::vector<VertexId>& lower_switches, const std::vector<VertexId>& upper_switches) const;
};

/// Leaves under spines. With radix k a leaf has k/2 ports down (rounded down) and as many up. Leaves are as few as hold
/// the endpoints, spines as few as take the uplinks; every leaf has all its uplinks, also one that is not full. A single
/// leaf needs no spine.
struct TwoLayers {
  std::int64_t radix = 64;
  std::int64_t leaves = 0;
  std::int64_t spines = 0;

  static TwoLayers smallest(std::int64_t radix, std::int64_t leaves);
  static std::int64_t capacity(std::int64_t radix) { return radix * (radix / 2); }
  std::int64_t half() const { return radix / 2; }
  Deal deal() const { return {leaves, spines, half()}; }
  std::int64_t switches() const { return leaves + spines; }
  /// On the busiest switch when the fullest leaf has `hosts` endpoints.
  std::int64_t max_ports(std::int64_t hosts) const;
};

/// Edge, aggregation and core switches of a k-ary fat tree, cut down to the pods that `edges` edge switches need.
struct ThreeLayers {
  std::int64_t radix = 64;
  std::int64_t edges = 0;
  std::int64_t pods = 0;
  Blocks edges_of_pod;
  std::int64_t aggs = 0;            ///< per pod: as many as edge switches in the fullest pod; none when one edge is all
  std::int64_t cores_per_group = 0; ///< aggregation switch j of every pod reaches core group j; none when one pod is all

  static ThreeLayers smallest(std::int64_t radix, std::int64_t edges);
  static std::int64_t capacity(std::int64_t radix) { return radix * (radix / 2) * (radix / 2); }
  std::int64_t half() const { return radix / 2; }
  Deal in_pod(std::int64_t pod) const { return {edges_of_pod.in_bin(pod), aggs, half()}; }
  Deal to_core() const { return {pods, cores_per_group, half()}; }  ///< one group
  std::int64_t cores() const { return aggs * cores_per_group; }
  std::int64_t switches() const { return edges + pods * aggs + cores(); }
  std::int64_t cables() const;
  std::int64_t max_ports(std::int64_t hosts) const;
  /// Adds aggregation ("pod1.agg3") and core ("core7") switches above the given edge switches and cables them.
  void build_above(FabricBuilder& b, const std::vector<VertexId>& edge_switches) const;
};

}  // namespace weft::topology
