// Clusters with storage nodes on which storage workloads run in tests.
#pragma once

#include "tests/support/storage_fabrics.h"
#include "tests/support/workload_runs.h"

namespace weft::testing {

/// `clients` nodes of one GPU and a storage NIC, storage nodes of the 180-node 3FS cluster unless said otherwise; ideal wires.
inline Ground storage_ground(std::uint32_t clients, std::uint32_t storage_nodes, const std::string& client_nic = "200 Gbps",
                             const std::string& node = "threefs_2025", const std::string& topology = {}) {
  const std::string client = R"({"extends": "endpoint", "storage_nic_rate": ")" + client_nic + R"("})";
  return Ground(make_storage_fabric({node, storage_nodes, topology}, R"({"kind": "ft3", "radix": 32})", clients, client));
}

/// Kernels reach all of a NIC and requests take no time: what is left is bytes over rates.
inline const std::string ideal_access = R"("kernel": "line_rate", "latency": "0 s")";

/// A view of that many storage nodes, for programs that are recorded and not played.
inline workloads::ClusterView storage_view(std::uint32_t clients, std::uint32_t nodes, std::uint32_t ssds = 4) {
  workloads::ClusterView v = view_of(clients);
  v.storage_nic = true;
  v.storage = {nodes, 2, ssds, BytesPerSecond(25e9), BytesPerSecond(6e9), BytesPerSecond(4e9), 1e6, BytesPerSecond(25e9)};
  return v;
}

/// Bytes that go out of and into SSDs and storage NICs of a recorded program.
struct StorageBytes {
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> read, written;  ///< by storage node and SSD
  std::map<std::uint32_t, double> forwarded;                                ///< by storage node: from its memory to another's SSDs
};
inline StorageBytes storage_bytes(const RecordingSink& sink) {
  StorageBytes b;
  for (const RecordedTransfer& t : sink.transfers)
    for (const workloads::Leg& l : t.legs) {
      const double bytes = t.what.bytes.value() * l.share;
      if (l.from.kind == Endpoint::Kind::ssd) b.read[{l.from.node.value, l.from.local}] += bytes;
      if (l.to.kind == Endpoint::Kind::ssd) b.written[{l.to.node.value, l.to.local}] += bytes;
      if (l.from.kind == Endpoint::Kind::storage_host) b.forwarded[l.from.node.value] += bytes;
    }
  return b;
}

}  // namespace weft::testing
