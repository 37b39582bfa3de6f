// Names of parts, such as "plane0.spine3": what FabricBuilder::fail takes down, and the links that they mean.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "topology/fabric.h"
#include "topology/fabric_impl.h"

namespace weft::topology {

namespace {

/// The number at the end of "node12" or "gpu3" when the text starts with `word`; nothing else may follow.
std::optional<std::uint32_t> number_after(std::string_view text, std::string_view word) {
  if (!text.starts_with(word)) return std::nullopt;
  text.remove_prefix(word.size());
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

/// The vertex of "nic5" inside a node, as an offset.
std::optional<std::uint32_t> offset_in_node(const NodeLayout& at, std::string_view part) {
  if (part == "host") return at.host;
  if (part == "nvswitch" && at.has_nvswitch) return at.nvswitch;
  if (part == "storage_nic" && at.has_storage_nic) return at.storage_nic;
  if (auto g = number_after(part, "gpu"); g && *g < at.gpus) return *g;
  if (auto g = number_after(part, "nic"); g && *g < at.gpus) return at.nic + *g;
  if (auto p = number_after(part, "pcie"); p && *p < at.pcie_switches) return at.pcie + *p;
  return std::nullopt;
}

/// The vertex of "nic1" in a storage node, as an offset.
std::optional<std::uint32_t> offset_in_storage_node(const StorageSpec& spec, std::string_view part) {
  if (part == "host") return 0;
  if (auto n = number_after(part, "nic"); n && *n < spec.nics) return 1 + *n;
  if (auto n = number_after(part, "ssd"); n && *n < spec.ssds) return 1 + spec.nics + *n;
  return std::nullopt;
}

/// The number of "storage3" when there is such a node.
std::optional<std::uint32_t> storage_node(const Fabric::Impl& f, std::string_view name) {
  const auto node = number_after(name, "storage");
  return node && f.storage && *node < f.storage->nodes ? node : std::nullopt;
}

std::optional<VertexId> find_vertex(const Fabric::Impl& f, std::string_view name) {
  const auto dot = name.find('.');
  if (dot != name.npos) {
    const auto node = number_after(name.substr(0, dot), "node");
    const auto offset = offset_in_node(f.layout, name.substr(dot + 1));
    if (node && *node < f.nodes && offset) return VertexId(*node * f.layout.stride + *offset);
    if (const auto store = storage_node(f, name.substr(0, dot))) {
      if (const auto at = offset_in_storage_node(f.storage->spec, name.substr(dot + 1))) return VertexId(f.storage->host(*store).value + *at);
    }
  }
  for (std::uint32_t i = 0; i < f.switch_names.size(); ++i) {
    if (f.switch_names[i] == name) return f.switch_vertex(i);
  }
  return std::nullopt;
}

/// Everything called "NAME.something", and NAME itself.
std::vector<VertexId> find_vertices(const Fabric::Impl& f, std::string_view name) {
  if (auto v = find_vertex(f, name)) return {*v};
  std::vector<VertexId> all;
  if (auto node = number_after(name, "node"); node && *node < f.nodes) {
    for (std::uint32_t i = 0; i < f.layout.stride; ++i) all.push_back(VertexId(*node * f.layout.stride + i));
    return all;
  }
  if (auto node = storage_node(f, name)) {
    for (std::uint32_t i = 0; i < f.storage->stride(); ++i) all.push_back(VertexId(f.storage->host(*node).value + i));
    return all;
  }
  for (std::uint32_t i = 0; i < f.switch_names.size(); ++i) {
    const std::string& s = f.switch_names[i];
    if (s.size() > name.size() && s.starts_with(name) && s[name.size()] == '.') all.push_back(f.switch_vertex(i));
  }
  return all;
}

/// The cables of "A-B" (all parallel ones) or "A-B#2" (one of them), either way round; as ids of the laid direction.
std::vector<LinkId> find_cables(const Fabric::Impl& f, std::string_view name) {
  const auto dash = name.find('-');
  if (dash == name.npos) return {};
  std::string_view far = name.substr(dash + 1);
  std::optional<std::uint32_t> number;
  if (const auto hash = far.find('#'); hash != far.npos) {
    number = number_after(far.substr(hash), "#");
    if (!number) return {};
    far = far.substr(0, hash);
  }
  const auto a = find_vertex(f, name.substr(0, dash)), b = find_vertex(f, far);
  if (!a || !b) return {};
  std::vector<LinkId> found;
  for (std::uint32_t i = 0; i < f.links.size(); i += 2) {
    const Link& l = f.links[i];
    if ((l.from == *a && l.to == *b) || (l.from == *b && l.to == *a)) found.push_back(LinkId(i));
  }
  if (!number) return found;
  if (*number >= found.size()) return {};
  return {found[*number]};
}

/// Names to offer: switches, the groups in front of their dots, and the NICs of the node that was meant.
std::vector<std::string> known_names(const Fabric::Impl& f, std::string_view name) {
  std::vector<std::string> known;
  for (const std::string& s : f.switch_names) {
    const auto dot = s.find('.');
    if (dot != s.npos && (known.empty() || known.back() != s.substr(0, dot))) known.push_back(s.substr(0, dot));
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  known.insert(known.end(), f.switch_names.begin(), f.switch_names.end());
  const auto node = number_after(name.substr(0, name.find('.')), "node");
  if (node && *node < f.nodes) {
    for (std::uint32_t g = 0; g < f.layout.gpus; ++g) known.push_back(fmt::format("node{}.nic{}", *node, g));
  }
  if (const auto store = storage_node(f, name.substr(0, name.find('.')))) {
    for (std::uint32_t i = 0; i < f.storage->spec.nics; ++i) known.push_back(fmt::format("storage{}.nic{}", *store, i));
    for (std::uint32_t i = 0; i < f.storage->spec.ssds; ++i) known.push_back(fmt::format("storage{}.ssd{}", *store, i));
  }
  return known;
}

}  // namespace

std::vector<LinkId> links_named(const Fabric& fabric, std::string_view name) {
  const Fabric::Impl& f = fabric.impl();
  std::vector<LinkId> found;
  const auto vertices = find_vertices(f, name);
  for (VertexId v : vertices) {
    for (LinkId l : fabric.out_links(v)) found.insert(found.end(), {l, fabric.link(l).reverse});
  }
  if (vertices.empty()) {
    for (LinkId l : find_cables(f, name)) found.insert(found.end(), {l, fabric.link(l).reverse});
  }
  // A cable between two parts of a group was met from both ends.
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void FabricBuilder::fail(const std::string& name, const std::string& pointer) {
  const auto broken = find_vertices(*impl_, name);
  for (VertexId v : broken) impl_->failed[v.value] = true;
  if (!broken.empty()) return;
  const auto cut = find_cables(*impl_, name);
  for (LinkId l : cut) impl_->links[l.value].up = impl_->links[l.value + 1].up = false;
  if (!cut.empty()) return;
  const auto known = known_names(*impl_, name);
  const std::string nearest = nearest_name(name, known);
  const std::string shape = "a switch (\"plane0.spine3\"), a group (\"plane3\"), a NIC (\"node12.nic5\") or a cable (\"A-B#2\")";
  throw UserError(pointer, fmt::format("the fabric has no \"{}\"", name),
                  nearest.empty() ? "give " + shape : fmt::format("did you mean \"{}\"? else give {}", nearest, shape));
}

}  // namespace weft::topology
