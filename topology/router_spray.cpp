// Adaptive routing: a flow spread over all shortest paths, over random detours (Valiant), or over a mixture (UGAL).
#include <algorithm>

#include "topology/router_network.h"

namespace weft::topology {

namespace {

/// A Dragonfly detour is averaged over at most this many intermediate groups per pair of routers. Neighbouring pairs
/// take neighbouring groups, so that the traffic of a whole group still loads all intermediates alike.
constexpr std::uint64_t most_detour_groups = 64;

}  // namespace

void merge_hops(std::vector<Hop>& hops) {
  std::sort(hops.begin(), hops.end(), [](const Hop& a, const Hop& b) { return a.link < b.link; });
  std::size_t n = 0;
  for (const Hop& h : hops) {
    if (n > 0 && hops[n - 1].link == h.link) hops[n - 1].share += h.share;
    else hops[n++] = h;
  }
  hops.resize(n);
}

NetworkRoutes::NetworkRoutes(const Fabric& fabric, const RoutingSpec& spec, SegmentStore& store)
    : fabric_(fabric), spec_(spec), store_(store), paths_(fabric),
      network_overhead_(1 / fabric.transport().wire_efficiency()), storage_overhead_(network_overhead_),
      link_segment_(fabric.links().size()) {
  if (fabric.has_storage()) storage_overhead_ = 1 / fabric.transport(LinkId(static_cast<std::uint32_t>(fabric.links().size() - 1))).wire_efficiency();
}

void NetworkRoutes::set_up(LinkId l, bool up) {
  paths_.set_up(l, up);
  sprays_.clear();
  halves_.clear();
}

double NetworkRoutes::overhead(LinkId l) const {
  switch (fabric_.link(l).cable) {
    case CableClass::nvlink:
    case CableClass::pcie: return 1;
    case CableClass::endpoint:
    case CableClass::long_haul:
    case CableClass::local: break;
  }
  return fabric_.in_storage_network(l) ? storage_overhead_ : network_overhead_;
}

SegmentId NetworkRoutes::of_link(LinkId l) {
  SegmentId& id = link_segment_[l.value];
  if (!id.valid()) {
    std::vector<Hop> one{{l, overhead(l)}};
    id = store_.intern(one);
  }
  return id;
}

/// Interns hops that hold payload shares; adds the headers.
NetworkRoutes::Piece NetworkRoutes::intern(std::vector<Hop>& payload) {
  Piece p;
  for (Hop& h : payload) {
    p.cables += h.share;
    p.length += fabric_.link(h.link).length * h.share;
    h.share *= overhead(h.link);
  }
  p.segment = store_.intern(payload);
  return p;
}

void NetworkRoutes::append(Middle& m, const Piece& p) {
  m.segments[m.count++] = p.segment;
  m.cables += p.cables;
  m.length += p.length;
}

const Middle& NetworkRoutes::sprayed(SwitchIndex from, SwitchIndex to) {
  const std::uint64_t key = (std::uint64_t{from} << 32) | to;
  if (const Middle* known = sprays_.find(key)) return *known;
  return sprays_.put(key, make_spray(from, to));
}

Middle NetworkRoutes::make_spray(SwitchIndex from, SwitchIndex to) {
  if (from == to) return {};
  double minimal = 1;
  if (spec_.paths == PathChoice::valiant) minimal = 0;
  if (spec_.paths == PathChoice::ugal) minimal = spec_.ugal_minimal_share;
  if (paths_.within_groups(from) && minimal < 1 && detour_groups(from, to).empty()) minimal = 1;
  if (minimal == 1) return minimal_spray(from, to);

  Middle m;
  scratch_.clear();
  if (minimal > 0) append_minimal(from, to, minimal, scratch_);
  if (paths_.within_groups(from)) {
    append_group_detour(from, to, 1 - minimal, scratch_);
    merge_hops(scratch_);
    append(m, intern(scratch_));
    return m;
  }
  if (minimal > 0) append(m, intern(scratch_));
  append(m, half_detour(from, 1 - minimal, true));
  append(m, half_detour(to, 1 - minimal, false));
  return m;
}

/// A segment per layer of the spread: all leaves of a fat tree share the layers next to them.
Middle NetworkRoutes::minimal_spray(SwitchIndex from, SwitchIndex to) {
  Spread spread;
  paths_.spread(*paths_.to_switch(from, to), from, 1, spread);
  Middle m;
  if (spread.ends.size() > Middle::max_segments) {
    append(m, intern(spread.hops));
    return m;
  }
  std::size_t begin = 0;
  for (const std::size_t end : spread.ends) {
    scratch_.assign(spread.hops.begin() + static_cast<std::ptrdiff_t>(begin),
                    spread.hops.begin() + static_cast<std::ptrdiff_t>(end));
    append(m, intern(scratch_));
    begin = end;
  }
  return m;
}

void NetworkRoutes::append_minimal(SwitchIndex from, SwitchIndex to, double share, std::vector<Hop>& out) {
  Spread spread;
  paths_.spread(*paths_.to_switch(from, to), from, share, spread);
  out.insert(out.end(), spread.hops.begin(), spread.hops.end());
}

/// Half of a Valiant detour outside Dragonflies: from `s` to a router drawn evenly among those with NICs (the ends
/// themselves included), or from such a router to `s`. Averaged over all of them, so each half depends on one end only.
NetworkRoutes::Piece NetworkRoutes::half_detour(SwitchIndex s, double share, bool away) {
  const std::uint64_t key = (std::uint64_t{s} << 1) | (away ? 1 : 0);
  if (const Piece* known = halves_.find(key)) return *known;
  const auto field = paths_.to_switch(s, s);
  const auto& leaves = paths_.leaves_with(s);
  std::vector<double> amounts(field->slots(), 0.0);
  for (SwitchIndex r : leaves) amounts[field->slot(r)] = share / static_cast<double>(leaves.size());
  std::vector<Hop> hops;
  paths_.drain(*field, amounts, hops);
  // Shortest paths away from `s` are those towards it, backwards.
  if (away)
    for (Hop& h : hops) h.link = paths_.graph().reverse(h.link);
  return halves_.put(key, intern(hops));
}

/// Intermediate groups of a Dragonfly detour: neither end's, and within reach.
std::vector<std::uint32_t> NetworkRoutes::detour_groups(SwitchIndex from, SwitchIndex to) {
  const SwitchGraph& graph = paths_.graph();
  std::vector<std::uint32_t> groups;
  for (std::uint32_t g = 0; g < graph.groups(); ++g) {
    if (g == graph.group(from) || g == graph.group(to)) continue;
    if (paths_.to_group(from, g)->distance(from) != Field::far) groups.push_back(g);
  }
  return groups;
}

/// Valiant on a Dragonfly (Kim, Dally, Scott and Abts, ISCA 2008): a minimal leg to whichever router of the group comes first, then a minimal leg on.
void NetworkRoutes::append_group_detour(SwitchIndex from, SwitchIndex to, double share, std::vector<Hop>& out) {
  const SwitchGraph& graph = paths_.graph();
  const std::vector<std::uint32_t> groups = detour_groups(from, to);
  const std::uint64_t taken = std::min<std::uint64_t>(groups.size(), most_detour_groups);
  const std::uint64_t pair = std::uint64_t{graph.place_in_group(from)} * graph.members(graph.group(to)).size() +
                             graph.place_in_group(to);
  for (std::uint64_t k = 0; k < taken; ++k) {
    const std::uint32_t g = groups[(pair + k * groups.size() / taken) % groups.size()];
    Spread first;
    paths_.spread(*paths_.to_group(from, g), from, share / static_cast<double>(taken), first);
    out.insert(out.end(), first.hops.begin(), first.hops.end());
    for (const auto& [entry, part] : first.arrivals) append_minimal(entry, to, part, out);
  }
}

}  // namespace weft::topology
