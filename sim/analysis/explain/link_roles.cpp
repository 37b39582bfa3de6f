#include "sim/analysis/explain/link_roles.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace weft::analysis {

using topology::CableClass;
using topology::Fabric;
using topology::Link;
using topology::Vertex;
using topology::VertexKind;

std::string to_text(Resource r) {
  switch (r) {
    case Resource::nic_out: return "NIC out";
    case Resource::nic_in: return "NIC in";
    case Resource::nvlink: return "NVLink";
    case Resource::pcie: return "PCIe";
    case Resource::uplink: return "uplinks";
    case Resource::downlink: return "downlinks";
    case Resource::storage: return "storage";
    case Resource::sms: return "SMs";
    case Resource::hbm: return "HBM";
    case Resource::latency: return "latency";
    case Resource::rate_cap: return "rate cap";
    case Resource::dependency: return "dependency";
  }
  return "";
}

namespace {

constexpr std::size_t kMostGroups = 32;   ///< with more groups of switches than this, roles do not tell them apart

struct Role {
  std::string name;
  Resource resource;
};

std::string without_digits(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c < '0' || c > '9') out += c;
  return out;
}

/// "plane0.leaf3" is leaf number 3 of plane0.
std::pair<std::string, std::string> group_and_kind(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return {"", without_digits(name)};
  return {name.substr(0, dot), without_digits(name.substr(dot + 1))};
}

Role between_switches(const Fabric& fabric, const Link& l, bool groups) {
  const auto [from_group, from] = group_and_kind(fabric.name(l.from));
  const auto [to_group, to] = group_and_kind(fabric.name(l.to));
  const std::uint8_t a = fabric.vertex(l.from).tier, b = fabric.vertex(l.to).tier;
  const bool two = !from_group.empty() && !to_group.empty() && from_group != to_group;
  const std::string& group = from_group.empty() ? to_group : from_group;
  const std::string path = fmt::format("{} to {}", from, to) + (two ? ", between groups" : "");
  return {groups && !two && !group.empty() ? group + ": " + path : path, a > b ? Resource::downlink : Resource::uplink};
}

Role role_of(const Fabric& fabric, LinkId id, bool groups) {
  const Link& l = fabric.link(id);
  const Vertex &from = fabric.vertex(l.from), &to = fabric.vertex(l.to);
  if (fabric.in_storage_network(id) || from.kind == VertexKind::storage_nic || to.kind == VertexKind::storage_nic) {
    if (from.kind == VertexKind::ssd) return {"SSD reads", Resource::storage};
    if (to.kind == VertexKind::ssd) return {"SSD writes", Resource::storage};
    if (from.kind == VertexKind::storage_nic) return {"storage NIC of a node, out", Resource::storage};
    if (to.kind == VertexKind::storage_nic) return {"storage NIC of a node, in", Resource::storage};
    if (from.kind == VertexKind::storage_node_nic) return {"NIC of a storage node, out", Resource::storage};
    if (to.kind == VertexKind::storage_node_nic) return {"NIC of a storage node, in", Resource::storage};
    return {"storage network", Resource::storage};
  }
  switch (l.cable) {
    case CableClass::endpoint: return from.kind == VertexKind::nic ? Role{"NIC out", Resource::nic_out} : Role{"NIC in", Resource::nic_in};
    case CableClass::nvlink: return {from.kind == VertexKind::gpu ? "NVLink out" : "NVLink in", Resource::nvlink};
    case CableClass::pcie: {
      const bool up = from.kind == VertexKind::gpu || (from.kind == VertexKind::pcie_switch && to.kind != VertexKind::gpu);
      return {up ? "PCIe from GPU" : "PCIe to GPU", Resource::pcie};
    }
    case CableClass::long_haul:
    case CableClass::local: break;
  }
  return between_switches(fabric, l, groups);
}

}  // namespace

LinkRoles::LinkRoles(const Fabric& fabric) : fabric_(fabric) {
  std::vector<std::uint32_t> groups;
  for (const Vertex& v : fabric.vertices())
    if (v.kind == VertexKind::net_switch) groups.push_back(v.group);
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  std::map<std::string, std::uint32_t> known;
  role_.resize(fabric.links().size());
  for (std::uint32_t l = 0; l < role_.size(); ++l) {
    Role r = role_of(fabric, LinkId(l), groups.size() <= kMostGroups);
    const auto [at, fresh] = known.try_emplace(r.name, count());
    if (fresh) {
      names_.push_back(std::move(r.name));
      resources_.push_back(r.resource);
    }
    role_[l] = at->second;
  }
}

std::string LinkRoles::part(LinkId link) const {
  const Link& l = fabric_.link(link);
  const auto owner = [](VertexKind k) {
    return k == VertexKind::nic || k == VertexKind::ssd || k == VertexKind::storage_nic || k == VertexKind::storage_node_nic;
  };
  const VertexKind from = fabric_.vertex(l.from).kind, to = fabric_.vertex(l.to).kind;
  if (owner(from)) return fabric_.name(l.from);
  if (owner(to)) return fabric_.name(l.to);
  if (l.cable == CableClass::nvlink || l.cable == CableClass::pcie) {
    if (from == VertexKind::gpu) return fabric_.name(l.from);
    if (to == VertexKind::gpu) return fabric_.name(l.to);
  }
  return fabric_.name(link);
}

}  // namespace weft::analysis
