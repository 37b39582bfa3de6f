#include "sim/engine/fold/static_routes.h"

namespace weft::engine {
namespace {

constexpr std::size_t most_routes = 2'000'000;

Endpoint nic_of(const topology::Vertex& v) { return {Endpoint::Kind::nic, NodeId(v.node), v.local}; }

}  // namespace

StaticRoutes::StaticRoutes(topology::Router& router, std::uint32_t nodes) {
  const topology::Fabric& fabric = router.fabric();
  const auto vertices = fabric.vertices();
  number_.assign(vertices.size(), none);
  std::vector<std::uint32_t> from;   // a NIC of each switch
  for (std::uint32_t v = 0; v < vertices.size(); ++v) {
    if (vertices[v].kind != topology::VertexKind::nic || vertices[v].node >= nodes) continue;
    const VertexId at = fabric.switch_of_nic(VertexId(v));
    if (!at.valid()) continue;
    number_[v] = static_cast<std::uint32_t>(nics_.size());
    nics_.push_back(v);
    if (number_[at.value] != none) continue;
    number_[at.value] = static_cast<std::uint32_t>(switches_.size());
    switches_.push_back(at.value);
    from.push_back(v);
  }
  comparable_ = switches_.size() * nics_.size() <= most_routes;
  for (std::size_t s = 0; s < switches_.size() && comparable_; ++s)
    for (std::size_t n = 0; n < nics_.size() && comparable_; ++n) add_route(router, from[s], nics_[n]);
}

void StaticRoutes::add_route(topology::Router& router, std::uint32_t from, std::uint32_t to) {
  const auto vertices = router.fabric().vertices();
  const Endpoint a = nic_of(vertices[from]), b = nic_of(vertices[to]);
  Path path{static_cast<std::uint32_t>(links_.size()), a == b ? 0 : none};
  if (a != b && router.reachable(a, b)) {
    std::vector<topology::SubRoute> routes;
    router.route(a, b, 0, routes);
    for (std::uint32_t s = 0; s < routes.front().segment_count; ++s) {
      const auto hops = router.segment(routes.front().segments[s]);
      // Pieces of one link each come in order of the path; in larger ones the order is lost.
      comparable_ = comparable_ && hops.size() == 1;
      links_.push_back(hops.front().link.value);
    }
    // The first and the last link are the cables of the two NICs.
    path = {path.first + 1, routes.front().segment_count - 2};
  }
  paths_.push_back(path);
}

bool StaticRoutes::move_links(std::span<const std::uint32_t> to, std::span<const std::uint64_t> colour,
                              std::vector<std::uint32_t>& links) const {
  std::vector<std::uint32_t> image(links.size(), none), source(links.size(), none);
  for (std::size_t s = 0; s < switches_.size(); ++s)
    for (std::size_t n = 0; n < nics_.size(); ++n) {
      const std::uint32_t at = number_[to[switches_[s]]], nic = number_[to[nics_[n]]];
      if (at == none || nic == none) return false;
      const Path& path = paths_[s * nics_.size() + n];
      const Path& moved = paths_[at * nics_.size() + nic];
      if (path.count != moved.count) return false;
      for (std::uint32_t i = 0; i < path.count && path.count != none; ++i) {
        const std::uint32_t l = links_[path.first + i], m = links_[moved.first + i];
        if (colour[l] != colour[m] || (image[l] != none && image[l] != m) || (source[m] != none && source[m] != l)) return false;
        image[l] = m;
        source[m] = l;
      }
    }
  for (std::uint32_t l = 0; l < links.size(); ++l)
    if (image[l] != none) links[l] = image[l];
  return true;
}

}  // namespace weft::engine
