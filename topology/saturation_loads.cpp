#include "topology/saturation_loads.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace weft::topology {

namespace {

void add(std::vector<double>& loads, const std::vector<Hop>& hops) {
  for (const Hop& h : hops) loads[h.link.value] += h.share;
}

/// Amounts of one leg towards a switch, drained in one sweep per (destination, source group).
void drain_all(PathFinder& paths, std::vector<SwitchDemand>& demands, std::vector<double>& loads) {
  const SwitchGraph& graph = paths.graph();
  std::sort(demands.begin(), demands.end(), [&](const SwitchDemand& a, const SwitchDemand& b) {
    return std::tuple(graph.group(a.from), a.to, a.from) < std::tuple(graph.group(b.from), b.to, b.from);
  });
  std::vector<double> amounts;
  std::vector<Hop> hops;
  for (std::size_t i = 0; i < demands.size();) {
    const auto field = paths.to_switch(demands[i].from, demands[i].to);
    amounts.assign(field->slots(), 0.0);
    std::size_t j = i;
    for (; j < demands.size() && demands[j].to == demands[i].to; ++j) {
      if (graph.group(demands[j].from) != graph.group(demands[i].from)) break;
      if (paths.to_switch(demands[j].from, demands[j].to) != field) break;  // a way around failures: a field of its own
      amounts[field->slot(demands[j].from)] += demands[j].amount;
    }
    hops.clear();
    paths.drain(*field, amounts, hops);
    add(loads, hops);
    i = j;
  }
}

/// Halves of the detour depend on one end each: what a switch sends goes out evenly to all intermediates.
void add_switch_detours(PathFinder& paths, const std::vector<SwitchDemand>& demands, std::vector<double>& loads) {
  const SwitchGraph& graph = paths.graph();
  std::vector<double> sent(graph.size(), 0.0), received(graph.size(), 0.0);
  for (const SwitchDemand& d : demands) {
    if (d.from == d.to) continue;
    sent[d.from] += d.amount;
    received[d.to] += d.amount;
  }
  std::vector<double> amounts;
  std::vector<Hop> hops;
  for (SwitchIndex s = 0; s < graph.size(); ++s) {
    if (sent[s] == 0 && received[s] == 0) continue;
    const auto field = paths.to_switch(s, s);
    const auto& leaves = paths.leaves_with(s);
    amounts.assign(field->slots(), 0.0);
    for (SwitchIndex r : leaves) amounts[field->slot(r)] = 1 / static_cast<double>(leaves.size());
    hops.clear();
    paths.drain(*field, amounts, hops);
    for (const Hop& h : hops) {
      loads[h.link.value] += received[s] * h.share;
      loads[graph.reverse(h.link).value] += sent[s] * h.share;
    }
  }
}

/// Demands of one pair of groups, by way of every third group alike.
void add_group_detours(PathFinder& paths, std::vector<SwitchDemand>& demands, std::vector<double>& loads) {
  const SwitchGraph& graph = paths.graph();
  const SwitchIndex from = demands.front().from, to = demands.front().to;
  std::vector<std::uint32_t> groups;
  for (std::uint32_t g = 0; g < graph.groups(); ++g)
    if (g != graph.group(from) && g != graph.group(to) && paths.to_group(from, g)->distance(from) != Field::far)
      groups.push_back(g);
  if (groups.empty()) return drain_all(paths, demands, loads);
  const double part = 1 / static_cast<double>(groups.size());
  for (const std::uint32_t g : groups) {
    std::map<std::pair<SwitchIndex, SwitchIndex>, double> second;  // (entry, to) -> amount
    const auto field = paths.to_group(from, g);
    for (std::size_t i = 0; i < demands.size();) {  // demands are sorted by source
      Spread first;
      paths.spread(*field, demands[i].from, part, first);
      double sent = 0;
      std::size_t j = i;
      for (; j < demands.size() && demands[j].from == demands[i].from; ++j) {
        sent += demands[j].amount;
        for (const auto& [entry, share] : first.arrivals) second[{entry, demands[j].to}] += share * demands[j].amount;
      }
      for (Hop& h : first.hops) h.share *= sent;
      add(loads, first.hops);
      i = j;
    }
    std::vector<SwitchDemand> legs;
    for (const auto& [pair, amount] : second) legs.push_back({pair.first, pair.second, amount});
    drain_all(paths, legs, loads);
  }
}

}  // namespace

std::vector<double> minimal_loads(PathFinder& paths, std::vector<SwitchDemand>& demands, std::size_t links) {
  std::vector<double> loads(links, 0.0);
  drain_all(paths, demands, loads);
  return loads;
}

std::vector<double> valiant_loads(PathFinder& paths, std::vector<SwitchDemand>& demands, std::size_t links) {
  std::vector<double> loads(links, 0.0);
  if (demands.empty() || !paths.within_groups(demands.front().from)) {
    add_switch_detours(paths, demands, loads);
    return loads;
  }
  const SwitchGraph& graph = paths.graph();
  std::erase_if(demands, [](const SwitchDemand& d) { return d.from == d.to; });
  const auto order = [&](const SwitchDemand& d) { return std::tuple(graph.group(d.from), graph.group(d.to), d.from, d.to); };
  std::sort(demands.begin(), demands.end(),
            [&](const SwitchDemand& a, const SwitchDemand& b) { return order(a) < order(b); });
  for (std::size_t i = 0; i < demands.size();) {
    std::size_t j = i;
    while (j < demands.size() && graph.group(demands[j].from) == graph.group(demands[i].from) &&
           graph.group(demands[j].to) == graph.group(demands[i].to))
      ++j;
    std::vector<SwitchDemand> pair(demands.begin() + static_cast<std::ptrdiff_t>(i),
                                   demands.begin() + static_cast<std::ptrdiff_t>(j));
    add_group_detours(paths, pair, loads);
    i = j;
  }
  return loads;
}

}  // namespace weft::topology
