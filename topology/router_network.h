// The switch-to-switch part of a route: sprayed over paths, or one path by hash or by destination.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "topology/router.h"
#include "topology/router_paths.h"
#include "topology/router_segments.h"

namespace weft::topology {

/// What lies between two switches: interned segments, with the mean number of cables crossed and their mean length.
struct Middle {
  static constexpr std::size_t max_segments = SubRoute::max_segments - 2;  ///< the two ends have one each
  std::array<SegmentId, max_segments> segments{};
  std::uint32_t count = 0;
  double cables = 0;
  Meters length;
};

/// Adds up the shares of links that occur more than once; sorts.
void merge_hops(std::vector<Hop>& hops);

class NetworkRoutes {
 public:
  NetworkRoutes(const Fabric& fabric, const RoutingSpec& spec, SegmentStore& store);

  const PathFinder& paths() const { return paths_; }
  void set_up(LinkId l, bool up);

  // Precondition of all: connected(from, to).
  /// Spray as the path choice says; cached per pair.
  const Middle& sprayed(SwitchIndex from, SwitchIndex to);
  /// One path, drawn anew at every switch with a choice from `hash` and the switch.
  Middle hashed(SwitchIndex from, SwitchIndex to, std::uint64_t hash);
  /// One path, chosen by the destination's number alone (D-mod-k).
  Middle by_destination(SwitchIndex from, SwitchIndex to, std::uint32_t number);

  /// The segment of one link with the share that payload takes of it.
  SegmentId of_link(LinkId l);
  /// Bytes on this link per payload byte: packet headers on network cables, nothing on NVLink and PCIe.
  double overhead(LinkId l) const;

 private:
  struct Piece {
    SegmentId segment;
    double cables = 0;
    Meters length;
  };

  // Sprays (router_spray.cpp).
  Middle make_spray(SwitchIndex from, SwitchIndex to);
  Middle minimal_spray(SwitchIndex from, SwitchIndex to);
  void append_minimal(SwitchIndex from, SwitchIndex to, double share, std::vector<Hop>& out);
  void append_group_detour(SwitchIndex from, SwitchIndex to, double share, std::vector<Hop>& out);
  Piece half_detour(SwitchIndex s, double share, bool away);
  std::vector<std::uint32_t> detour_groups(SwitchIndex from, SwitchIndex to);
  Piece intern(std::vector<Hop>& payload);
  static void append(Middle& m, const Piece& p);

  // Single paths (router_single.cpp).
  struct Chooser;
  Middle single(SwitchIndex from, SwitchIndex to, Chooser& chooser, bool detour);
  SwitchIndex walk(Field& field, SwitchIndex from, Chooser& chooser, std::vector<Hop>& out);
  Middle of_path(std::vector<Hop>& path, bool detour);

  const Fabric& fabric_;
  const RoutingSpec& spec_;
  SegmentStore& store_;
  PathFinder paths_;
  double network_overhead_, storage_overhead_;
  std::vector<SegmentId> link_segment_;   ///< by link; invalid until asked for
  FlatMap<Middle> sprays_;                ///< by (from, to)
  FlatMap<Piece> halves_;                 ///< by (switch, away or towards)
  std::vector<Hop> scratch_;
};

}  // namespace weft::topology
