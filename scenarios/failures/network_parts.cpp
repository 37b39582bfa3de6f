// Which parts a network is made of, by kind.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "scenarios/failures/network_losses.h"

namespace weft::scenarios {
namespace {

using models::FailedPart;
using topology::Fabric;
using topology::VertexKind;

bool is_switch(const Fabric& f, VertexId v) { return f.vertex(v).kind == VertexKind::net_switch && !f.in_storage_network(v); }

std::vector<std::vector<std::string>> switches_of_tier(const Fabric& f, std::uint8_t tier) {
  std::vector<std::vector<std::string>> names;
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v) {
    if (is_switch(f, VertexId(v)) && f.vertex(VertexId(v)).tier == tier) names.push_back({f.name(VertexId(v))});
  }
  return names;
}

/// NICs, or their cables.
std::vector<std::vector<std::string>> nics(const Fabric& f, bool cables) {
  std::vector<std::vector<std::string>> names;
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v) {
    if (f.vertex(VertexId(v)).kind != VertexKind::nic || !f.uplink_of_nic(VertexId(v)).valid()) continue;
    names.push_back({cables ? f.name(f.uplink_of_nic(VertexId(v))) : f.name(VertexId(v))});
  }
  return names;
}

std::vector<std::vector<std::string>> cables_between_switches(const Fabric& f) {
  std::vector<std::vector<std::string>> names;
  for (std::uint32_t l = 0; l < f.links().size(); ++l) {
    const topology::Link& link = f.link(LinkId(l));
    if (link.reverse.value < l || !is_switch(f, link.from) || !is_switch(f, link.to)) continue;
    names.push_back({f.name(LinkId(l))});
  }
  return names;
}

/// Switches that are joined by cables, whether these are up or not.
std::vector<std::vector<std::string>> planes(const Fabric& f) {
  std::vector<std::vector<std::string>> found;
  std::vector<bool> seen(f.vertices().size(), false);
  for (std::uint32_t first = 0; first < seen.size(); ++first) {
    if (seen[first] || !is_switch(f, VertexId(first))) continue;
    std::vector<VertexId> reached = {VertexId(first)};
    seen[first] = true;
    for (std::size_t i = 0; i < reached.size(); ++i) {
      for (const LinkId l : f.out_links(reached[i])) {
        const VertexId to = f.link(l).to;
        if (seen[to.value] || !is_switch(f, to)) continue;
        seen[to.value] = true;
        reached.push_back(to);
      }
    }
    std::vector<std::string>& names = found.emplace_back();
    for (const VertexId v : reached) names.push_back(f.name(v));
  }
  return found;
}

}  // namespace

std::string NetworkParts::called(std::size_t i) const {
  const std::vector<std::string>& all = names[i];
  return all.size() == 1 ? all.front() : fmt::format("{} and what is joined to it, {} switches", all.front(), all.size());
}

std::vector<std::size_t> NetworkParts::working(const Fabric& fabric, std::size_t most) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < names.size() && found.size() < most; ++i) {
    const bool works = std::any_of(names[i].begin(), names[i].end(), [&](const std::string& name) {
      const std::vector<LinkId> links = topology::links_named(fabric, name);
      return std::any_of(links.begin(), links.end(), [&](LinkId l) { return fabric.link(l).up; });
    });
    if (works) found.push_back(i);
  }
  return found;
}

std::vector<NetworkParts> network_parts(const Cluster& cluster) {
  const Fabric& f = cluster.fabric();
  std::vector<NetworkParts> all = {{FailedPart::nic, nics(f, false)},           {FailedPart::nic_link, nics(f, true)},
                                   {FailedPart::link, cables_between_switches(f)}, {FailedPart::leaf, switches_of_tier(f, 0)},
                                   {FailedPart::spine, switches_of_tier(f, 1)}, {FailedPart::core, switches_of_tier(f, 2)},
                                   {FailedPart::plane, planes(f)}};
  std::erase_if(all, [](const NetworkParts& p) { return p.names.empty(); });
  return all;
}

const std::vector<std::string>& lost_nic_words() {
  static const std::vector<std::string> kWords = {"error", "neighbour", "rebalance"};
  return kWords;
}

}  // namespace weft::scenarios
