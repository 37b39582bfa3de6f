// Questions about a Fabric as a graph, answered by Boost.Graph: connected parts and diameter.
#include <algorithm>

#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/connected_components.hpp>

#include "topology/fabric.h"
#include "topology/fabric_impl.h"

namespace weft::topology {

namespace {

using Graph = boost::compressed_sparse_row_graph<boost::directedS>;

/// The live part of a fabric between the vertices that `keep` accepts, renumbered densely.
template <class Keep>
Graph live_graph(const Fabric& f, Keep keep) {
  constexpr std::uint32_t none = VertexId::none_value;
  std::vector<std::uint32_t> number(f.vertices().size(), none);
  std::uint32_t count = 0;
  for (std::uint32_t v = 0; v < number.size(); ++v) {
    if (keep(VertexId(v))) number[v] = count++;
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  for (std::uint32_t v = 0; v < number.size(); ++v) {
    if (number[v] == none) continue;
    for (LinkId l : f.out_links(VertexId(v))) {
      const Link& link = f.link(l);
      if (link.up && number[link.to.value] != none) edges.emplace_back(number[v], number[link.to.value]);
    }
  }
  return Graph(boost::edges_are_sorted, edges.begin(), edges.end(), count);
}

/// Hops to the farthest vertex; -1 when one cannot be reached.
std::int64_t eccentricity(const Graph& g, std::uint32_t from, std::vector<std::int32_t>& hops) {
  std::fill(hops.begin(), hops.end(), -1);
  hops[from] = 0;
  boost::breadth_first_search(
      g, from, boost::visitor(boost::make_bfs_visitor(boost::record_distances(hops.data(), boost::on_tree_edge()))));
  const auto [least, most] = std::minmax_element(hops.begin(), hops.end());
  return *least < 0 ? -1 : *most;
}

}  // namespace

std::int64_t Fabric::components() const {
  const Graph g = live_graph(*this, [&](VertexId v) {
    if (impl_->failed[v.value] || in_storage_network(v)) return false;
    if (vertex(v).kind == VertexKind::nic) return uplink_of_nic(v).valid();
    return vertex(v).kind == VertexKind::net_switch;
  });
  std::vector<int> part(boost::num_vertices(g));
  return part.empty() ? 0 : boost::connected_components(g, part.data());
}

std::int64_t Fabric::switch_diameter() const {
  const Graph g = live_graph(*this, [&](VertexId v) {
    return vertex(v).kind == VertexKind::net_switch && !impl_->failed[v.value] && !in_storage_network(v);
  });
  std::vector<std::int32_t> hops(boost::num_vertices(g));
  std::int64_t longest = 0;
  for (std::uint32_t v = 0; v < hops.size(); ++v) {
    const std::int64_t e = eccentricity(g, v, hops);
    if (e < 0) return -1;
    longest = std::max(longest, e);
  }
  return longest;
}

}  // namespace weft::topology
