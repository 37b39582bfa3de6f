#include "topology/router_paths.h"

#include <algorithm>
#include <limits>

namespace weft::topology {

namespace {

constexpr std::uint64_t pair_key(std::uint32_t a, std::uint32_t b) { return (std::uint64_t{a} << 32) | b; }

/// Fields are a cache: dropping them changes no result. 2^24 slots are about 400 MB.
constexpr std::size_t most_slots_kept = std::size_t{1} << 24;

}  // namespace

SwitchGraph::SwitchGraph(const Fabric& fabric) {
  const auto vertices = fabric.vertices();
  index_.assign(vertices.size(), no_switch);
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    if (vertices[v].kind != VertexKind::net_switch) continue;
    if (fabric.in_storage_network(VertexId(v)) && first_storage_ == no_switch) first_storage_ = size();
    index_[v] = size();
    vertex_.push_back(VertexId(v));
  }
  for (const Link& l : fabric.links()) {
    reverse_.push_back(l.reverse);
    up_.push_back(l.up ? 1 : 0);
  }
  nics_.assign(size(), 0);
  first_.push_back(0);
  for (SwitchIndex s = 0; s < size(); ++s) {
    for (LinkId l : fabric.out_links(vertex_[s])) {
      const VertexId to = fabric.link(l).to;
      if (index(to) != no_switch) arcs_.push_back({index(to), l});
      if (fabric.link(l).cable == CableClass::endpoint) ++nics_[s];
    }
    std::sort(arcs_.begin() + static_cast<std::ptrdiff_t>(first_[s]), arcs_.end(),
              [](const Arc& x, const Arc& y) { return x.to != y.to ? x.to < y.to : x.link < y.link; });
    first_.push_back(arcs_.size());
  }
  std::vector<std::uint32_t> values;
  for (VertexId v : vertex_) values.push_back(fabric.vertex(v).group);
  group_ = values;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  members_.resize(values.size());
  for (SwitchIndex s = 0; s < size(); ++s) {
    group_[s] = static_cast<std::uint32_t>(std::lower_bound(values.begin(), values.end(), group_[s]) - values.begin());
    place_.push_back(static_cast<std::uint32_t>(members_[group_[s]].size()));
    members_[group_[s]].push_back(s);
    if (!storage(s)) network_groups_ = std::max(network_groups_, group_[s] + 1);
  }
}

std::vector<std::uint32_t> SwitchGraph::components(bool usable_only) const {
  std::vector<std::uint32_t> label(size(), no_switch);
  std::vector<SwitchIndex> open;
  std::uint32_t next = 0;
  for (SwitchIndex start = 0; start < size(); ++start) {
    if (label[start] != no_switch) continue;
    label[start] = next;
    open.assign(1, start);
    while (!open.empty()) {
      const SwitchIndex s = open.back();
      open.pop_back();
      for (const Arc& a : arcs(s)) {
        if (label[a.to] != no_switch || (usable_only && !usable(a.link))) continue;
        label[a.to] = next;
        open.push_back(a.to);
      }
    }
    ++next;
  }
  return label;
}

std::uint32_t Field::slot(SwitchIndex s) const {
  if (scope_.all()) return s;
  const std::uint32_t group = graph_.group(s);
  if (group == scope_.a) return graph_.place_in_group(s);
  if (group == scope_.b) return static_cast<std::uint32_t>(graph_.members(scope_.a).size()) + graph_.place_in_group(s);
  return no_switch;
}

Field::Field(const SwitchGraph& graph, Scope scope, std::span<const SwitchIndex> targets) : graph_(graph), scope_(scope) {
  std::size_t slots = graph.size();
  if (!scope.all()) {
    slots = graph.members(scope.a).size();
    if (scope.b != scope.a) slots += graph.members(scope.b).size();
  }
  distance_.assign(slots, far);
  ways_.assign(slots, 0.0);
  choice_at_.assign(slots, {0, 0});
  for (SwitchIndex t : targets) {
    distance_[slot(t)] = 0;
    ways_[slot(t)] = 1;
    order_.push_back(t);
  }
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const std::uint32_t here = slot(order_[i]);
    for (const SwitchGraph::Arc& a : graph.arcs(order_[i])) {
      if (!graph.usable(a.link)) continue;
      const std::uint32_t there = slot(a.to);
      if (there == no_switch) continue;
      if (distance_[there] == far) {
        distance_[there] = static_cast<std::uint16_t>(distance_[here] + 1);
        order_.push_back(a.to);
      }
      if (distance_[there] == distance_[here] + 1) ways_[there] += ways_[here];
    }
  }
}

std::span<const SwitchGraph::Arc> Field::choices(SwitchIndex s) {
  const std::uint32_t here = slot(s);
  auto& [first, count] = choice_at_[here];
  if (count == 0 && distance_[here] != 0) {
    first = static_cast<std::uint32_t>(choices_.size());
    for (const SwitchGraph::Arc& a : graph_.arcs(s))
      if (graph_.usable(a.link) && distance(a.to) + 1 == distance_[here]) choices_.push_back(a);
    count = static_cast<std::uint32_t>(choices_.size()) - first;
  }
  return {choices_.data() + first, count};
}

PathFinder::PathFinder(const Fabric& fabric)
    : graph_(fabric), within_groups_(fabric.minimal_within_groups()), storage_within_groups_(fabric.storage_minimal_within_groups()) {
  built_ = graph_.components(false);
  relabel();
}

void PathFinder::relabel() {
  live_ = graph_.components(true);
  leaves_.clear();
  for (SwitchIndex s = 0; s < graph_.size(); ++s) {
    if (leaves_.size() <= live_[s]) leaves_.resize(live_[s] + 1);
    if (graph_.nics(s) > 0) leaves_[live_[s]].push_back(s);
  }
}

void PathFinder::set_up(LinkId l, bool up) {
  graph_.set_up(l, up);
  forget();
}

void PathFinder::set_all_up(std::span<const std::uint8_t> up) {
  for (std::uint32_t l = 0; l < up.size(); ++l) graph_.set_up(LinkId(l), up[l] != 0);
  forget();
}

void PathFinder::forget() {
  switch_fields_.clear();
  group_fields_.clear();
  slots_kept_ = 0;
  relabel();
}

std::shared_ptr<Field> PathFinder::to_switch(SwitchIndex from, SwitchIndex to) {
  const bool within = within_groups(from);
  const std::uint32_t key_group = within ? graph_.group(from) : no_switch;
  const std::uint64_t key = pair_key(to, key_group);
  std::shared_ptr<Field> found;
  if (const auto* known = switch_fields_.find(key)) {
    found = *known;
  } else {
    const Scope scope = within ? Scope{key_group, graph_.group(to)} : Scope{};
    found = std::make_shared<Field>(graph_, scope, std::span(&to, 1));
    slots_kept_ += found->slots();
    if (slots_kept_ > most_slots_kept) {
      switch_fields_.clear();
      group_fields_.clear();
      slots_kept_ = found->slots();
    }
    switch_fields_.put(key, found);
  }
  if (found->distance(from) != Field::far) return found;
  // Failures cut every path inside the two groups: the shortest way around is taken.
  const std::uint64_t around = pair_key(to, no_switch - 1);
  if (const auto* known = switch_fields_.find(around)) return *known;
  auto field = std::make_shared<Field>(graph_, Scope{}, std::span(&to, 1));
  slots_kept_ += field->slots();
  return switch_fields_.put(around, field);
}

std::shared_ptr<Field> PathFinder::to_group(SwitchIndex from, std::uint32_t group) {
  const std::uint64_t key = pair_key(group, graph_.group(from));
  if (const auto* known = group_fields_.find(key)) return *known;
  auto field = std::make_shared<Field>(graph_, Scope{graph_.group(from), group}, graph_.members(group));
  slots_kept_ += field->slots();
  return group_fields_.put(key, field);
}

void PathFinder::spread(const Field& field, SwitchIndex from, double share, Spread& out) {
  if (scratch_.size() < graph_.size()) scratch_.assign(graph_.size(), 0.0);
  std::vector<SwitchIndex> now{from}, next;
  scratch_[from] = share;
  for (std::uint16_t left = field.distance(from); left > 0; --left) {
    next.clear();
    const std::size_t begin = out.hops.size();
    for (SwitchIndex s : now) {
      const double per_way = scratch_[s] / field.ways(s);
      scratch_[s] = 0;
      for (const SwitchGraph::Arc& a : graph_.arcs(s)) {
        if (field.distance(a.to) + 1 != left || !graph_.usable(a.link)) continue;
        const double part = per_way * field.ways(a.to);
        if (scratch_[a.to] == 0) next.push_back(a.to);
        scratch_[a.to] += part;
        out.hops.push_back({a.link, part});
      }
    }
    // Links of a layer leave different switches or are different cables: none comes twice.
    std::sort(out.hops.begin() + static_cast<std::ptrdiff_t>(begin), out.hops.end(),
              [](const Hop& x, const Hop& y) { return x.link < y.link; });
    out.ends.push_back(out.hops.size());
    std::sort(next.begin(), next.end());
    now.swap(next);
  }
  for (SwitchIndex s : now) {
    out.arrivals.emplace_back(s, scratch_[s]);
    scratch_[s] = 0;
  }
}

void PathFinder::drain(const Field& field, std::vector<double>& amounts, std::vector<Hop>& out) const {
  const auto order = field.order();
  for (std::size_t i = order.size(); i-- > 0;) {
    const SwitchIndex s = order[i];
    double& amount = amounts[field.slot(s)];
    const int left = field.distance(s);
    if (amount == 0 || left == 0) continue;
    const double per_way = amount / field.ways(s);
    amount = 0;
    for (const SwitchGraph::Arc& a : graph_.arcs(s)) {
      if (field.distance(a.to) + 1 != left || !graph_.usable(a.link)) continue;
      const double part = per_way * field.ways(a.to);
      amounts[field.slot(a.to)] += part;
      out.push_back({a.link, part});
    }
  }
}

}  // namespace weft::topology
