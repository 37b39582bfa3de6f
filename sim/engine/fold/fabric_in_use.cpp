#include "sim/engine/fold/fabric_in_use.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sim/core/random.h"
#include "workloads/symmetry.h"

namespace weft::engine {
namespace {

using topology::VertexKind;

std::uint64_t bits(double v) { return std::bit_cast<std::uint64_t>(v); }

}  // namespace

FabricInUse::FabricInUse(topology::Router& router, Placement ranks, std::span<const FabricEvent> events)
    : router_(router), fabric_(router.fabric()), ranks_(ranks), possible_(policy_has_symmetries(events)) {
  const Placement all = fabric_.placement();
  possible_ = possible_ && ranks_.nodes() <= all.nodes() && ranks_.gpus_per_node() <= all.gpus_per_node();
  if (possible_ && static_routing()) {
    static_routes_.emplace(router, ranks_.nodes());
    possible_ = static_routes_->comparable();
  }
  if (!possible_) return;
  colour_vertices();
  colour_links(events);
  collect_arcs();
  collect_layers();
}

bool FabricInUse::policy_has_symmetries(std::span<const FabricEvent> events) const {
  using topology::Policy;
  switch (router_.spec().policy) {
    case Policy::ecmp: return false;
    case Policy::static_dmodk:   // routes of the start are no longer those after a failure; those of the storage network are not looked at
      return !fabric_.has_storage() && std::all_of(events.begin(), events.end(), [](const FabricEvent& e) { return e.what == FabricEvent::What::capacity; });
    case Policy::adaptive: break;
  }
  // Detours of a Dragonfly go over all groups where these are few, else over some, which depend on numbers of routers.
  constexpr std::uint32_t few_groups = 64;
  if (router_.spec().paths == topology::PathChoice::minimal || !groups_matter()) return true;
  std::uint32_t last = 0;
  for (const topology::Vertex& v : fabric_.vertices()) last = std::max(last, v.kind == VertexKind::net_switch ? v.group : 0);
  return last < few_groups;
}

bool FabricInUse::groups_matter() const { return fabric_.minimal_within_groups() || fabric_.storage_minimal_within_groups(); }

// Nodes outside the job carry nothing and are left out, but storage nodes serve any and stay where they are; that a switch has NICs at all matters to detours.
void FabricInUse::colour_vertices() {
  const auto vertices = fabric_.vertices();
  vertex_colour_.assign(vertices.size(), 0);
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    const bool is_switch = vertices[v].kind == VertexKind::net_switch;
    if (!is_switch && fabric_.in_storage_network(VertexId(v))) vertex_colour_[v] = hash_with(static_cast<std::uint64_t>(vertices[v].kind), v);
    else if (is_switch || vertices[v].node < ranks_.nodes())
      vertex_colour_[v] = hash_with(static_cast<std::uint64_t>(vertices[v].kind), is_switch ? vertices[v].tier : 0);
  }
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    const VertexKind kind = vertices[v].kind;
    if (kind != VertexKind::nic && kind != VertexKind::storage_nic && kind != VertexKind::storage_node_nic) continue;
    const VertexId at = fabric_.switch_of_nic(VertexId(v));
    if (at.valid()) vertex_colour_[at.value] = hash_with(static_cast<std::uint64_t>(VertexKind::net_switch), 1000 + vertices[at.value].tier);
  }
}

void FabricInUse::colour_links(std::span<const FabricEvent> events) {
  const auto links = fabric_.links();
  link_colour_.assign(links.size(), 0);
  const auto state = [&](LinkId l) { return hash_with(bits(router_.capacity(l).value()), router_.is_up(l)); };
  for (std::uint32_t l = 0; l < links.size(); ++l) {
    const topology::Link& link = links[l];
    if (vertex_colour_[link.from.value] == 0 || vertex_colour_[link.to.value] == 0) continue;
    std::uint64_t colour = hash_with(state(LinkId(l)), bits(link.length.value()));
    if (link.reverse.valid()) colour = hash_with(colour, state(link.reverse));
    link_colour_[l] = hash_with(colour, static_cast<std::uint64_t>(link.cable));
  }
  for (const FabricEvent& e : events)
    for (const LinkId l : {e.link, fabric_.link(e.link).reverse})
      if (l.valid() && link_colour_[l.value] != 0) link_colour_[l.value] = hash_with(hash_with(link_colour_[l.value], l.value), ~0ull);
}

// Under static routing the cables between switches are left to the routes.
void FabricInUse::collect_arcs() {
  const auto links = fabric_.links();
  const auto vertices = fabric_.vertices();
  const auto is_switch = [&](VertexId v) { return vertices[v.value].kind == VertexKind::net_switch; };
  first_arc_.assign(1, 0);
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    for (const LinkId l : fabric_.out_links(VertexId(v))) {
      if (link_colour_[l.value] == 0 || (static_routing() && is_switch(links[l.value].from) && is_switch(links[l.value].to))) continue;
      arcs_.push_back({links[l.value].to.value, link_colour_[l.value], l.value});
    }
    std::sort(arcs_.begin() + first_arc_.back(), arcs_.end());
    first_arc_.push_back(static_cast<std::uint32_t>(arcs_.size()));
  }
}

void FabricInUse::collect_layers() {
  const auto vertices = fabric_.vertices();
  layer_of_.assign(vertices.size(), none);
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    if (vertex_colour_[v] == 0 || (vertices[v].kind != VertexKind::gpu && vertices[v].kind != VertexKind::nic)) continue;
    layer_of_[v] = 0;
    ends_.push_back(v);
  }
  std::vector<std::uint32_t> layer = ends_;
  std::vector<std::uint32_t> unmoved(vertices.size());
  std::iota(unmoved.begin(), unmoved.end(), 0u);
  for (std::uint32_t depth = 1; !layer.empty(); ++depth) {
    std::vector<std::uint32_t> next;
    for (const std::uint32_t v : layer)
      for (const Arc& a : arcs(v)) {
        if (layer_of_[a.to] != none) continue;
        layer_of_[a.to] = depth;
        next.push_back(a.to);
      }
    std::sort(next.begin(), next.end());
    layers_.push_back(next);
    shapes_.push_back(shapes(next, unmoved));
    layer.swap(next);
  }
  for (std::uint32_t r = 0; r < ranks_.ranks(); ++r) {
    const Place p = ranks_.place(Rank(r));
    const VertexId nic = fabric_.vertex_of(nic_end(p));
    const LinkId up = fabric_.uplink_of_nic(nic);
    attachment_.push_back(up.valid() ? hash_with(link_colour_[up.value], fabric_.link(up).to.value) : 0);
  }
}

// What a vertex hangs on, seen from the layers before it, after these have been moved.
std::vector<FabricInUse::Shape> FabricInUse::shapes(std::span<const std::uint32_t> layer, std::span<const std::uint32_t> to) const {
  std::vector<Shape> list;
  list.reserve(layer.size());
  for (const std::uint32_t v : layer) {
    std::uint64_t hash = vertex_colour_[v];
    for (const Arc& a : arcs(v))
      if (layer_of_[a.to] < layer_of_[v]) hash += hash_with(a.colour, to[a.to]);
    list.push_back({hash, v});
  }
  std::sort(list.begin(), list.end());
  return list;
}

std::optional<std::vector<std::uint32_t>> FabricInUse::links(std::span<const std::uint32_t> image) const {
  std::vector<std::uint32_t> to(fabric_.vertices().size()), links(fabric_.links().size());
  std::iota(to.begin(), to.end(), 0u);
  std::iota(links.begin(), links.end(), 0u);
  if (!move_nodes(image, to) || !move_layers(to) || !keeps_groups(to) || !move_links(to, links)) return std::nullopt;
  if (static_routes_ && !static_routes_->move_links(to, link_colour_, links)) return std::nullopt;
  return links;
}

/// Moves GPUs and NICs; false when ranks of a node go to different nodes.
bool FabricInUse::move_nodes(std::span<const std::uint32_t> image, std::vector<std::uint32_t>& to) const {
  const std::uint32_t per_node = ranks_.gpus_per_node();
  for (std::uint32_t r = 0; r < image.size(); ++r)
    if (image[r] / per_node != image[r / per_node * per_node] / per_node) return false;
  const workloads::MovedEnds moved(ranks_, image);
  for (const std::uint32_t v : ends_) {
    const topology::Vertex& end = fabric_.vertices()[v];
    const auto kind = end.kind == VertexKind::gpu ? Endpoint::Kind::gpu : Endpoint::Kind::nic;
    const Endpoint before{kind, NodeId(end.node), end.local}, after = moved(before);
    if (after != before) to[v] = fabric_.vertex_of(after).value;
  }
  return true;
}

/// Moves the other vertices, layer after layer: each to one that hangs on the images of what it hangs on. Of several such
/// ones any may be taken; move_links() says whether it was a good one.
bool FabricInUse::move_layers(std::vector<std::uint32_t>& to) const {
  for (std::size_t d = 0; d < layers_.size(); ++d) {
    const std::vector<Shape> moved = shapes(layers_[d], to);
    for (std::size_t i = 0; i < moved.size(); ++i) {
      if (moved[i].hash != shapes_[d][i].hash) return false;
      to[moved[i].vertex] = shapes_[d][i].vertex;
    }
  }
  return true;
}

bool FabricInUse::keeps_groups(std::span<const std::uint32_t> to) const {
  if (!groups_matter()) return true;
  const auto vertices = fabric_.vertices();
  std::vector<std::uint32_t> image(vertices.size(), none), source(vertices.size(), none);   // by group
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    if (vertices[v].kind != VertexKind::net_switch) continue;
    const std::uint32_t g = vertices[v].group, h = vertices[to[v]].group;
    if (image[g] == none) image[g] = h;
    if (source[h] == none) source[h] = g;
    if (image[g] != h || source[h] != g) return false;
  }
  return true;
}

/// Every cable to an equal one between the images of its ends; parallel cables that are alike may change places.
bool FabricInUse::move_links(std::span<const std::uint32_t> to, std::vector<std::uint32_t>& links) const {
  std::vector<Arc> moved;
  for (std::uint32_t v = 0; v + 1 < first_arc_.size(); ++v) {
    const auto before = arcs(v), there = arcs(to[v]);
    if (vertex_colour_[v] != vertex_colour_[to[v]] || before.size() != there.size()) return false;
    if (to[v] == v && std::all_of(before.begin(), before.end(), [&](const Arc& a) { return to[a.to] == a.to; })) continue;
    moved.assign(before.begin(), before.end());
    for (Arc& a : moved) a.to = to[a.to];
    std::sort(moved.begin(), moved.end());
    for (std::size_t i = 0; i < moved.size(); ++i) {
      if (moved[i].to != there[i].to || moved[i].colour != there[i].colour) return false;
      links[moved[i].link] = there[i].link;
    }
  }
  return true;
}

}  // namespace weft::engine
