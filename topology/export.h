// A Fabric as text for other tools: GraphML, Graphviz and SimGrid's platform XML.
#pragma once

#include <string>
#include <vector>

#include "topology/fabric.h"

namespace weft::topology {

/// "graphml", "dot", "simgrid-xml".
const std::vector<std::string>& export_formats();

/// The whole text. GraphML and DOT hold every vertex and one edge per cable, with kind, rate in bytes per second, length in
/// metres and whether it is up. SimGrid XML holds a host for each GPU, a link for each direction of a cable, and one route
/// for each ordered pair of GPUs (the one of static routing, D-mod-k), so it is refused for more than 64 endpoints.
/// Throws UserError at "--format" for an unknown format, and where the format cannot say what the fabric is.
std::string export_fabric(const Fabric& fabric, const std::string& format);

}  // namespace weft::topology
