// StaticRoutes: all routes between switches under static routing, to see whether a permutation turns them into each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "topology/router.h"

namespace weft::engine {

/// A static route depends on the switch that it begins at and on the NIC that it leads to, so these are all.
class StaticRoutes {
 public:
  /// Routes between the NICs of nodes 0 to `nodes` - 1.
  StaticRoutes(topology::Router& router, std::uint32_t nodes);

  /// False when routes cannot be compared link by link, or are too many.
  bool comparable() const { return comparable_; }
  /// Adds the images of the links between switches to `links`; false when a route's image is not a route, or a link would
  /// have two images. `to` moves vertices; colours tell links apart.
  bool move_links(std::span<const std::uint32_t> to, std::span<const std::uint64_t> colour, std::vector<std::uint32_t>& links) const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Path {
    std::uint32_t first = 0, count = none;   // in links_; none: no path
  };
  void add_route(topology::Router& router, std::uint32_t from, std::uint32_t to);

  bool comparable_ = true;
  std::vector<std::uint32_t> switches_, nics_;     // vertices; a NIC at each of the switches
  std::vector<std::uint32_t> number_;              // by vertex: place in switches_ or nics_
  std::vector<Path> paths_;                        // by (switch, NIC)
  std::vector<std::uint32_t> links_;
};

}  // namespace weft::engine
