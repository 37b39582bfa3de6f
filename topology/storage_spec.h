// What a storage node is made of: NICs, SSDs and the bus between them, read from data files with their sources.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::topology {

/// A storage server. Rates are those of the wire and of the device, per direction.
struct StorageSpec {
  std::string name;
  std::string title;
  std::uint32_t nics = 1, ssds = 1;
  Sourced<BytesPerSecond> nic_rate;    ///< of each NIC
  Sourced<BytesPerSecond> pcie_rate;   ///< between each NIC and host memory
  Sourced<BytesPerSecond> ssd_read;    ///< of each SSD, large reads
  Sourced<BytesPerSecond> ssd_write;   ///< of each SSD, large writes that go on
  Sourced<double> ssd_read_iops;       ///< small random reads a second of each SSD
};

/// Reads a spec by name from topology/data/storage, or an inline object (which may say "extends": "name").
/// Problems are recorded in the reader's Problems; what is returned then is not to be used.
StorageSpec read_storage_spec(JsonReader where, const DataPlaces& data);

/// The constants of a spec with their origins, for the result of a run.
std::vector<ConstantUsed> constants_of(const StorageSpec& s);

class Topology;
struct TransportSpec;

/// Storage nodes and the network that joins them with the storage NICs of the other nodes; what is pointed to must outlive it.
struct StorageNetwork {
  const StorageSpec* node = nullptr;
  const Topology* topology = nullptr;          ///< read for {clients + nodes * node->nics, 1}: endpoints of one NIC each
  const TransportSpec* transport = nullptr;
  std::uint32_t nodes = 0;
};

/// The network that is taken when none is given, as small as holds the NICs: one switch of 64 ports, else two layers, else three.
Json default_storage_topology(std::int64_t nics);

}  // namespace weft::topology
