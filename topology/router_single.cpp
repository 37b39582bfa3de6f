// Single paths: every queue pair hashed apart at every switch (ECMP), or chosen by the destination (static D-mod-k).
#include <algorithm>

#include "topology/router_network.h"

namespace weft::topology {

/// Picks one of several cables. With a hash: a draw per switch. With a destination number: neighbours are digits of
/// the number, lowest first; a parallel cable is the digit that comes next, without using it up, so that the same cable
/// is taken on the way up and on the way down, and every cyclic shift of the destinations stays free of conflicts.
struct NetworkRoutes::Chooser {
  bool by_hash;
  std::uint64_t value;

  SwitchGraph::Arc pick(std::span<const SwitchGraph::Arc> choices, VertexId at) {
    WEFT_CHECK(!choices.empty(), "a path ends before its destination");
    if (by_hash) return choices[choices.size() == 1 ? 0 : hash_with(value, at.value) % choices.size()];
    std::uint64_t neighbours = 1;
    for (std::size_t i = 1; i < choices.size(); ++i) neighbours += choices[i].to != choices[i - 1].to;
    std::uint64_t wanted = value % neighbours;
    value /= neighbours;
    std::size_t begin = 0;
    for (; wanted > 0; --wanted) begin = next_neighbour(choices, begin);
    return choices[begin + value % (next_neighbour(choices, begin) - begin)];
  }

  std::uint64_t pick_detour(std::uint64_t choices) {
    if (by_hash) return hash_with(value, hash_name("detour")) % choices;
    return value % choices;
  }

  static std::size_t next_neighbour(std::span<const SwitchGraph::Arc> choices, std::size_t from) {
    std::size_t end = from;
    while (end < choices.size() && choices[end].to == choices[from].to) ++end;
    return end;
  }
};

Middle NetworkRoutes::hashed(SwitchIndex from, SwitchIndex to, std::uint64_t hash) {
  bool detour = spec_.paths == PathChoice::valiant;
  if (spec_.paths == PathChoice::ugal) {
    const double draw = static_cast<double>(hash_with(hash, hash_name("ugal")) >> 11) * 0x1.0p-53;
    detour = draw >= spec_.ugal_minimal_share;
  }
  Chooser chooser{true, hash};
  return single(from, to, chooser, detour);
}

Middle NetworkRoutes::by_destination(SwitchIndex from, SwitchIndex to, std::uint32_t number) {
  bool detour = spec_.paths == PathChoice::valiant;
  if (spec_.paths == PathChoice::ugal) {
    // Destinations are dealt evenly: the share of those below any number that go the minimal way is as asked.
    const double share = spec_.ugal_minimal_share;
    detour = static_cast<std::uint64_t>((number + 1) * share) == static_cast<std::uint64_t>(number * share);
  }
  Chooser chooser{false, number};
  return single(from, to, chooser, detour);
}

Middle NetworkRoutes::single(SwitchIndex from, SwitchIndex to, Chooser& chooser, bool detour) {
  scratch_.clear();
  if (from == to) return {};
  SwitchIndex at = from;
  if (detour && paths_.within_groups(from)) {
    const auto groups = detour_groups(from, to);
    detour = !groups.empty();
    if (detour) at = walk(*paths_.to_group(from, groups[chooser.pick_detour(groups.size())]), from, chooser, scratch_);
  } else if (detour) {
    const auto& leaves = paths_.leaves_with(from);
    const SwitchIndex via = leaves[chooser.pick_detour(leaves.size())];
    at = walk(*paths_.to_switch(from, via), from, chooser, scratch_);
  }
  if (detour && chooser.by_hash) chooser.value = hash_with(chooser.value, hash_name("second leg"));
  walk(*paths_.to_switch(at, to), at, chooser, scratch_);
  return of_path(scratch_, detour);
}

SwitchIndex NetworkRoutes::walk(Field& field, SwitchIndex from, Chooser& chooser, std::vector<Hop>& out) {
  while (field.distance(from) > 0) {
    const auto arc = chooser.pick(field.choices(from), paths_.graph().vertex(from));
    out.push_back({arc.link, 1});
    from = arc.to;
  }
  return from;
}

Middle NetworkRoutes::of_path(std::vector<Hop>& path, bool detour) {
  Middle m;
  if (detour || path.size() > Middle::max_segments) {  // a detour may cross a link twice
    merge_hops(path);
    append(m, intern(path));
    return m;
  }
  for (const Hop& h : path) {
    m.segments[m.count++] = of_link(h.link);
    m.length += fabric_.link(h.link).length;
  }
  m.cables = static_cast<double>(path.size());
  return m;
}

}  // namespace weft::topology
