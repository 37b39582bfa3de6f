// What a node and a transport are made of: rates, latencies and header sizes, read from data files with their sources.
#pragma once

#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::topology {

/// A server. Rates are per direction.
struct NodeSpec {
  std::string name;
  std::string title;
  std::uint32_t gpus = 8;                        ///< each with its own NIC
  Sourced<BytesPerSecond> nvlink_rate;           ///< GPU to NVSwitch; zero when there is none
  Sourced<Seconds> nvlink_latency;               ///< CPU side end to end, as Table 5 of arXiv:2505.09343 measures it
  Sourced<Seconds> nvlink_store_latency;         ///< GPU-initiated store over NVLink, what kernels pay
  Sourced<BytesPerSecond> pcie_rate;             ///< GPU - PCIe switch - NIC, and PCIe switch - host
  Sourced<BytesPerSecond> cpu_link_rate;         ///< GPU - host by a link of its own (NVLink to the CPU); zero: over PCIe
  Sourced<BytesPerSecond> nic_rate;              ///< wire rate of a compute NIC
  Sourced<BytesPerSecond> storage_nic_rate;      ///< zero when there is none
  std::uint32_t nics_per_pcie_switch = 1;        ///< GPU-NIC pairs behind one PCIe switch
};

/// InfiniBand, RoCE or an ideal wire.
struct TransportSpec {
  std::string name;
  std::string title;
  Sourced<Seconds> endpoint_latency;             ///< both ends together: post, doorbell, PCIe, NIC, completion
  Sourced<Seconds> switch_latency;               ///< port to port
  Sourced<SecondsPerMeter> cable_latency;
  Sourced<Seconds> adaptive_hop_latency;         ///< added per switch when packets are sprayed
  Sourced<Bytes> header;                         ///< per packet of `mtu` payload
  Sourced<Bytes> mtu;
  Sourced<Meters> endpoint_cable, long_haul_cable, local_cable;
  /// mtu / (mtu + header); 1 for an ideal wire.
  double wire_efficiency() const;
};

/// Reads a spec by name from topology/data/{nodes,transports}, or an inline object (which may say "extends": "name").
/// Problems are recorded in the reader's Problems; what is returned then is not to be used.
NodeSpec read_node_spec(JsonReader where, const DataPlaces& data);
TransportSpec read_transport_spec(JsonReader where, const DataPlaces& data);

/// The constants of a spec with their origins, for the result of a run.
std::vector<ConstantUsed> constants_of(const NodeSpec& n);
std::vector<ConstantUsed> constants_of(const TransportSpec& t);

}  // namespace weft::topology
