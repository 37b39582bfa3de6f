// FabricInUse: whether a permutation of ranks is an automorphism of the nodes and switches that they use, and what it does to links.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/engine/engine.h"
#include "sim/engine/fold/static_routes.h"
#include "topology/router.h"

namespace weft::engine {

/// The nodes of the ranks and all switches, with links as they are now. A link that changes in mid-run is like no other one.
///
/// Why an automorphism is enough: under adaptive routing a route is spread evenly over all shortest paths (detours over all
/// switches with NICs, or all groups), which is a function of the graph; inside a node paths are unique. So the route
/// between the images of two ends is the image of the route, link by link, and it stays so when a link fails that every
/// permutation leaves where it is. Under static routing routes depend on numbers of NICs and the order of cables: there
/// they are compared one by one. ECMP draws them from keys: it has no symmetry.
class FabricInUse {
 public:
  FabricInUse(topology::Router& router, Placement ranks, std::span<const FabricEvent> events);

  /// False when no permutation can be judged.
  bool has_symmetries() const { return possible_; }
  /// The image of every link, or nothing when the permutation is no automorphism.
  std::optional<std::vector<std::uint32_t>> links(std::span<const std::uint32_t> image) const;
  /// Equal for ranks that hang on the same switch by like cables: they are the likeliest to be exchangeable.
  std::uint64_t attachment(std::uint32_t rank) const { return attachment_[rank]; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Arc {
    std::uint32_t to;
    std::uint64_t colour;
    std::uint32_t link;
    auto operator<=>(const Arc&) const = default;
  };
  struct Shape {
    std::uint64_t hash;
    std::uint32_t vertex;
    auto operator<=>(const Shape&) const = default;
  };

  bool groups_matter() const;
  bool policy_has_symmetries(std::span<const FabricEvent> events) const;
  void colour_vertices();
  void colour_links(std::span<const FabricEvent> events);
  void collect_arcs();
  void collect_layers();
  bool move_nodes(std::span<const std::uint32_t> image, std::vector<std::uint32_t>& to) const;
  bool move_layers(std::vector<std::uint32_t>& to) const;
  std::vector<Shape> shapes(std::span<const std::uint32_t> layer, std::span<const std::uint32_t> to) const;
  bool keeps_groups(std::span<const std::uint32_t> to) const;
  bool move_links(std::span<const std::uint32_t> to, std::vector<std::uint32_t>& links) const;
  std::span<const Arc> arcs(std::uint32_t v) const { return {arcs_.data() + first_arc_[v], first_arc_[v + 1] - first_arc_[v]}; }
  bool static_routing() const { return router_.spec().policy == topology::Policy::static_dmodk; }

  const topology::Router& router_;
  const topology::Fabric& fabric_;
  Placement ranks_;
  bool possible_;
  std::vector<std::uint64_t> vertex_colour_, link_colour_;   // zero: not in use
  std::vector<std::uint32_t> first_arc_;                     // by vertex
  std::vector<Arc> arcs_;                                    // of each vertex sorted
  std::vector<std::uint32_t> ends_;                          // GPUs and NICs
  std::vector<std::vector<std::uint32_t>> layers_;           // other vertices by distance from these
  std::vector<std::uint32_t> layer_of_;
  std::vector<std::vector<Shape>> shapes_;                   // by layer, unmoved
  std::vector<std::uint64_t> attachment_;
  std::optional<StaticRoutes> static_routes_;
};

}  // namespace weft::engine
