// A Fabric as SimGrid's platform XML.
#pragma once

#include <string>

#include "topology/fabric.h"

namespace weft::topology {

/// See export_fabric(). The latency of a link is its cable's, plus the switch's where it leaves a network switch, plus half
/// of the endpoint latency between NIC and PCIe switch, or half of a store's over NVLink between GPU and NVSwitch: so the links
/// of a route add up to the latency of weft's own route under static routing (inside a node without NVLink that is zero). Pairs without a path (GPUs of different planes) get no route and a comment.
/// Throws UserError for more than 64 endpoints.
std::string simgrid_platform(const Fabric& fabric);

}  // namespace weft::topology
