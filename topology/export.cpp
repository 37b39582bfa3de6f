// GraphML and DOT, written by Boost.Graph.
#include "topology/export.h"

#include <sstream>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <boost/graph/graphviz.hpp>
#include <fmt/format.h>

#include "sim/core/error.h"
#include "topology/export_simgrid.h"

namespace weft::topology {

namespace {

struct VertexText {
  std::string name, kind;
  int tier = 0;
};
struct EdgeText {
  std::string cable;
  double bytes_per_second = 0, metres = 0;
  bool up = true;
};
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, VertexText, EdgeText>;

const char* word(VertexKind k) {
  switch (k) {
    case VertexKind::gpu: return "gpu";
    case VertexKind::nvswitch: return "nvswitch";
    case VertexKind::pcie_switch: return "pcie_switch";
    case VertexKind::host: return "host";
    case VertexKind::nic: return "nic";
    case VertexKind::storage_nic: return "storage_nic";
    case VertexKind::storage_host: return "storage_host";
    case VertexKind::storage_node_nic: return "storage_node_nic";
    case VertexKind::ssd: return "ssd";
    case VertexKind::net_switch: break;
  }
  return "switch";
}

const char* word(CableClass c) {
  switch (c) {
    case CableClass::nvlink: return "nvlink";
    case CableClass::pcie: return "pcie";
    case CableClass::endpoint: return "endpoint";
    case CableClass::long_haul: return "long_haul";
    case CableClass::local: break;
  }
  return "local";
}

Graph graph_of(const Fabric& f) {
  Graph g(f.vertices().size());
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v) {
    const Vertex& vertex = f.vertices()[v];
    g[v] = {f.name(VertexId(v)), word(vertex.kind), vertex.tier};
  }
  for (std::size_t i = 0; i < f.links().size(); i += 2) {
    const Link& l = f.links()[i];
    boost::add_edge(l.from.value, l.to.value, EdgeText{word(l.cable), l.rate.value(), l.length.value(), l.up}, g);
  }
  return g;
}

boost::dynamic_properties properties_of(Graph& g) {
  boost::dynamic_properties p;
  p.property("name", boost::get(&VertexText::name, g));
  p.property("kind", boost::get(&VertexText::kind, g));
  p.property("tier", boost::get(&VertexText::tier, g));
  p.property("cable", boost::get(&EdgeText::cable, g));
  p.property("bytes_per_second", boost::get(&EdgeText::bytes_per_second, g));
  p.property("metres", boost::get(&EdgeText::metres, g));
  p.property("up", boost::get(&EdgeText::up, g));
  return p;
}

std::string graphml(const Fabric& f) {
  Graph g = graph_of(f);
  std::ostringstream out;
  boost::write_graphml(out, g, properties_of(g), true);
  return out.str();
}

std::string dot(const Fabric& f) {
  Graph g = graph_of(f);
  boost::dynamic_properties p = properties_of(g);
  std::ostringstream out;
  boost::write_graphviz_dp(out, g, p, "name");
  return out.str();
}

}  // namespace

const std::vector<std::string>& export_formats() {
  static const std::vector<std::string> formats = {"graphml", "dot", "simgrid-xml"};
  return formats;
}

std::string export_fabric(const Fabric& fabric, const std::string& format) {
  if (format == "graphml") return graphml(fabric);
  if (format == "dot") return dot(fabric);
  if (format == "simgrid-xml") return simgrid_platform(fabric);
  throw UserError("--format", fmt::format("unknown format \"{}\"", format), unknown_name_hint(format, export_formats()));
}

}  // namespace weft::topology
