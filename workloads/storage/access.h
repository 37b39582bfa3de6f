// What all storage workloads share: how clients reach the chains of a 3FS, which resources that takes, and which of them limits.
#pragma once

#include <string>
#include <vector>

#include "workloads/basic_workload.h"
#include "workloads/storage/chains.h"

namespace weft::workloads::storage {

/// Parameters that every storage workload has (access_docs()).
struct Access {
  std::uint32_t replicas = 3, targets_per_ssd = 3;
  std::uint32_t stripe = 0;  ///< chains of a file; 0: all
  CommKernel kernel;         ///< what RDMA reaches of a NIC
  Seconds latency;           ///< of a request before its first byte, beside the wires'
  std::uint64_t seed = 0;
};

Access read_access(Parameters& p);
/// How many nodes take part, by the key "clients": at least one, by default so many (0: all of the cluster).
std::int64_t read_clients(Parameters& p, std::int64_t fallback);
std::vector<ColumnDoc> access_docs();
/// `docs` and those of access_docs().
std::vector<ColumnDoc> with_access(std::vector<ColumnDoc> docs);

/// A workload on storage nodes; adds the constants of its access to those used.
class StorageWorkload : public BasicWorkload {
 public:
  StorageWorkload(const Parameters& p, Access access) : BasicWorkload(p), access_(access) {}
  std::vector<ConstantUsed> constants() const override;

 protected:
  /// Throws UserError (/cluster/storage, /clients) unless there are storage nodes, storage NICs and so many nodes; 0 asks for all.
  std::uint32_t clients_of(const ClusterView& cluster, std::int64_t asked, const std::string& place) const;
  ChainTable table_of(const ClusterView& cluster) const;

  Access access_;
};

/// Host memory of a client node.
inline Endpoint client_end(std::uint32_t node) { return {Endpoint::Kind::host, NodeId(node), 0}; }
inline Endpoint ssd_end(const Target& t) { return {Endpoint::Kind::ssd, NodeId(t.node), t.ssd}; }

/// Legs of a read of one target: SSD to client.
Leg read_leg(const Target& from, const Endpoint& client);
/// Legs of a write along a chain, which move together: client to the head's SSD, each node's memory to the next one's SSD. Done when the
/// tail has it.
void chain_write_legs(const Endpoint& client, std::span<const Target> chain, const StorageView& storage, std::vector<Leg>& out);
/// A file read whole: its chunks over its chains, each chain's reads spread over all replicas. Shares add up to 1.
std::vector<Leg> striped_read(const ChainTable& table, const FileLayout& layout, std::uint64_t file, const Endpoint& client);
/// A file written whole, along all of its chains at once.
std::vector<Leg> striped_write(const ChainTable& table, const FileLayout& layout, std::uint64_t file, const Endpoint& client,
                               const StorageView& storage);

/// The rate of payload that one kind of resource would allow if it alone limited.
struct Limit {
  std::string name;  ///< "client NICs", "storage NICs", "SSDs"
  BytesPerSecond rate;
};
std::vector<Limit> read_limits(const StorageView& storage, const Access& access, std::uint32_t clients);
std::vector<Limit> write_limits(const StorageView& storage, const Access& access, std::uint32_t clients);
/// Precondition: not empty.
const Limit& tightest(const std::vector<Limit>& limits);
/// The tightest limit's name where the rate reaches three quarters of it; else what none of them counts: "switches".
std::string bound_by(const std::vector<Limit>& limits, BytesPerSecond reached);

double tib_per_second(BytesPerSecond r);
double gib_per_second(BytesPerSecond r);

}  // namespace weft::workloads::storage
