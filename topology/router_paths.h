// Equal-cost shortest paths between the switches of a fabric, over the cables that are up.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "topology/router.h"
#include "topology/router_flat_map.h"

namespace weft::topology {

/// A network switch, numbered densely in order of VertexId.
using SwitchIndex = std::uint32_t;
inline constexpr std::uint32_t no_switch = std::numeric_limits<std::uint32_t>::max();

/// The switches alone, with the cables between them. A cable with one dead direction carries nothing, as a port does,
/// so that what is reachable is reachable both ways.
class SwitchGraph {
 public:
  struct Arc {
    SwitchIndex to;
    LinkId link;
  };

  explicit SwitchGraph(const Fabric& fabric);

  std::uint32_t size() const { return static_cast<std::uint32_t>(vertex_.size()); }
  SwitchIndex index(VertexId v) const { return index_[v.value]; }   ///< no_switch when `v` is none
  VertexId vertex(SwitchIndex s) const { return vertex_[s]; }
  /// Cables that leave a switch towards others, up or not, ordered by neighbour and then by link.
  std::span<const Arc> arcs(SwitchIndex s) const { return {arcs_.data() + first_[s], first_[s + 1] - first_[s]}; }
  bool usable(LinkId l) const { return up_[l.value] != 0 && up_[reverse_[l.value].value] != 0; }
  LinkId reverse(LinkId l) const { return reverse_[l.value]; }
  bool is_up(LinkId l) const { return up_[l.value] != 0; }
  void set_up(LinkId l, bool up) { up_[l.value] = up ? 1 : 0; }

  // Groups (Vertex::group), numbered densely in order of their value.
  std::uint32_t groups() const { return static_cast<std::uint32_t>(members_.size()); }
  /// Those of the scale-out network, which come first.
  std::uint32_t network_groups() const { return network_groups_; }
  std::uint32_t group(SwitchIndex s) const { return group_[s]; }
  std::uint32_t place_in_group(SwitchIndex s) const { return place_[s]; }
  std::span<const SwitchIndex> members(std::uint32_t group) const { return members_[group]; }

  /// Whether a switch is one of the storage network.
  bool storage(SwitchIndex s) const { return s >= first_storage_; }

  /// Number of NICs cabled to a switch, up or not.
  std::uint32_t nics(SwitchIndex s) const { return nics_[s]; }

  /// A label per switch, equal where a path exists: over usable cables only, or over all.
  std::vector<std::uint32_t> components(bool usable_only) const;

 private:
  std::vector<VertexId> vertex_;
  std::vector<SwitchIndex> index_;
  std::vector<std::size_t> first_;
  std::vector<Arc> arcs_;
  std::vector<LinkId> reverse_;
  std::vector<std::uint8_t> up_;
  std::vector<std::uint32_t> group_, place_, nics_;
  std::vector<std::vector<SwitchIndex>> members_;
  SwitchIndex first_storage_ = no_switch;
  std::uint32_t network_groups_ = 0;
};

/// Which switches a search may use: all, or those of two groups.
struct Scope {
  std::uint32_t a = no_switch, b = no_switch;
  bool all() const { return a == no_switch; }
};

/// Distances and numbers of shortest paths towards a target (a switch or a whole group) inside a scope.
class Field {
 public:
  static constexpr std::uint16_t far = std::numeric_limits<std::uint16_t>::max();

  Field(const SwitchGraph& graph, Scope scope, std::span<const SwitchIndex> targets);

  std::uint16_t distance(SwitchIndex s) const {
    const std::uint32_t at = slot(s);
    return at == no_switch ? far : distance_[at];
  }
  double ways(SwitchIndex s) const { return ways_[slot(s)]; }
  /// Usable cables on a shortest path from `s`, ordered by neighbour and then by link. Valid until the next call.
  std::span<const SwitchGraph::Arc> choices(SwitchIndex s);
  /// Switches that reach the target, nearest first.
  std::span<const SwitchIndex> order() const { return order_; }
  /// Position of a switch in tables of slots() entries; no_switch outside the scope.
  std::uint32_t slot(SwitchIndex s) const;
  std::size_t slots() const { return distance_.size(); }

 private:
  const SwitchGraph& graph_;
  Scope scope_;
  std::vector<std::uint16_t> distance_;
  std::vector<double> ways_;
  std::vector<SwitchIndex> order_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> choice_at_;  ///< by slot: where in choices_, how many
  std::vector<SwitchGraph::Arc> choices_;
};

/// Hops of a spread over all shortest paths, layer after layer; layer i holds [ends[i-1], ends[i]).
struct Spread {
  std::vector<Hop> hops;
  std::vector<std::size_t> ends;
  /// Where it arrives: one entry for a switch, several for a group; shares sum to what was sent.
  std::vector<std::pair<SwitchIndex, double>> arrivals;
};

/// Finds paths, and keeps the fields it has computed until the fabric changes.
class PathFinder {
 public:
  explicit PathFinder(const Fabric& fabric);

  const SwitchGraph& graph() const { return graph_; }
  /// Of the network that a switch is in.
  bool within_groups(SwitchIndex s) const { return graph_.storage(s) ? storage_within_groups_ : within_groups_; }
  void set_up(LinkId l, bool up);
  /// All links at once, by LinkId.
  void set_all_up(std::span<const std::uint8_t> up);

  bool connected(SwitchIndex a, SwitchIndex b) const { return live_[a] == live_[b]; }
  bool ever_connected(SwitchIndex a, SwitchIndex b) const { return built_[a] == built_[b]; }
  /// Label of the part of the network that a switch was built into.
  std::uint32_t built_component(SwitchIndex s) const { return built_[s]; }
  /// Switches with NICs in the same live part as `s`, in order.
  const std::vector<SwitchIndex>& leaves_with(SwitchIndex s) const { return leaves_[live_[s]]; }

  /// Towards switch `to` for traffic from `from`: inside their two groups where the fabric demands it and a path is
  /// left there, else anywhere. Precondition: connected.
  std::shared_ptr<Field> to_switch(SwitchIndex from, SwitchIndex to);
  /// Towards any switch of a group, using this group and that of `from` only; may find none.
  std::shared_ptr<Field> to_group(SwitchIndex from, std::uint32_t group);

  /// Sends `share` from `from` along all shortest paths of the field, equal weight per path, and appends the layers.
  void spread(const Field& field, SwitchIndex from, double share, Spread& out);
  /// Sends amounts (by slot of the field; consumed) from many switches at once, and appends what each link carries.
  void drain(const Field& field, std::vector<double>& amounts, std::vector<Hop>& out) const;

 private:
  void forget();
  void relabel();

  SwitchGraph graph_;
  bool within_groups_, storage_within_groups_;
  std::vector<std::uint32_t> built_, live_;
  std::vector<std::vector<SwitchIndex>> leaves_;  ///< by live label
  FlatMap<std::shared_ptr<Field>> switch_fields_, group_fields_;
  std::size_t slots_kept_ = 0;
  std::vector<double> scratch_;
};

}  // namespace weft::topology
