#include "workloads/storage/access.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace weft::workloads::storage {
namespace {

const char* const kLatencySource = "a 4 KiB read of NVMe flash, 92-150 us with nothing queued (Micron 9200 data sheet)";

}  // namespace

Access read_access(Parameters& p) {
  Access a;
  a.replicas = static_cast<std::uint32_t>(p.integer("replicas", 3, 1, 16));
  a.targets_per_ssd = static_cast<std::uint32_t>(p.integer("targets_per_ssd", a.replicas, 1, 1000));
  a.stripe = static_cast<std::uint32_t>(p.integer("stripe", 0, 0, 1 << 20));
  a.kernel = comm_kernel(p.kernel("kernel", "threefs"));
  a.latency = p.where().quantity_or<Seconds>("latency", Seconds(100e-6), false);
  p.remember("latency", to_text(a.latency));
  a.seed = p.seed();
  return a;
}

std::int64_t read_clients(Parameters& p, std::int64_t fallback) { return p.integer("clients", fallback, p.where().has("clients") ? 1 : 0); }

std::vector<ColumnDoc> access_docs() {
  return {{"replicas", "storage targets of a chain, on different storage nodes; default 3"},
          {"targets_per_ssd", "chains that an SSD is in; default: as many as replicas"},
          {"stripe", "chains that a file is striped over; 0 (default): all of the chain table (3FS's production uses 200)"},
          {"kernel",
           "what RDMA reaches of the NICs, a communication kernel by name or inline; default \"threefs\": 0.88 of the line rate, as "
           "all-to-all kernels do"},
          {"latency", std::string("of a request before its first byte, beside the wires'; default 100 us (assumed): ") + kLatencySource}};
}

std::vector<ColumnDoc> with_access(std::vector<ColumnDoc> docs) {
  for (ColumnDoc& d : access_docs()) docs.push_back(std::move(d));
  return docs;
}

std::vector<ConstantUsed> StorageWorkload::constants() const {
  std::vector<ConstantUsed> all = BasicWorkload::constants();
  all.push_back({"storage: latency", to_text(access_.latency), Origin::assumed, kLatencySource});
  return all;
}

std::uint32_t StorageWorkload::clients_of(const ClusterView& cluster, std::int64_t asked, const std::string& place) const {
  if (cluster.storage.nodes == 0)
    throw UserError("/cluster/storage", "this workload reads and writes storage nodes, and the cluster has none",
                    R"(give it some: "storage": {"node": "threefs_2025", "nodes": 180})");
  if (!cluster.storage_nic)
    throw UserError("/cluster/node", "the nodes have no storage NIC",
                    R"(give them one: {"extends": "endpoint", "storage_nic_rate": "200 Gbps"})");
  const std::int64_t all = cluster.placement.nodes();
  if (asked > all)
    throw UserError(place, fmt::format("{} nodes asked for, the cluster has {}", asked, all),
                    fmt::format("ask for {} at most, or give the cluster more nodes", all));
  return static_cast<std::uint32_t>(asked == 0 ? all : asked);
}

ChainTable StorageWorkload::table_of(const ClusterView& cluster) const {
  return ChainTable({cluster.storage.nodes, cluster.storage.ssds_per_node, access_.targets_per_ssd, access_.replicas}, access_.seed);
}

Leg read_leg(const Target& from, const Endpoint& client) { return {ssd_end(from), client, 1}; }

namespace {

/// A storage node's memory at the NIC that the SSD's bytes take too (one service for some SSDs and a NIC).
Endpoint memory_beside(const Target& t, const StorageView& s) {
  return {Endpoint::Kind::storage_host, NodeId(t.node), t.ssd % s.nics_per_node};
}

/// Legs with shares added up where both ends are the same, in order of first appearance.
class LegSum {
 public:
  void add(const Endpoint& from, const Endpoint& to, double share) {
    const auto [it, fresh] = at_.try_emplace({key(from), key(to)}, legs_.size());
    if (fresh) legs_.push_back({from, to, 0});
    legs_[it->second].share += share;
  }
  std::vector<Leg> take() { return std::move(legs_); }

 private:
  static std::pair<std::uint64_t, int> key(const Endpoint& e) {
    return {std::uint64_t{e.node.value} << 32 | e.local, static_cast<int>(e.kind)};
  }
  std::map<std::pair<std::pair<std::uint64_t, int>, std::pair<std::uint64_t, int>>, std::size_t> at_;
  std::vector<Leg> legs_;
};

}  // namespace

void chain_write_legs(const Endpoint& client, std::span<const Target> chain, const StorageView& storage, std::vector<Leg>& out) {
  Endpoint from = client;
  for (const Target& t : chain) {
    out.push_back({from, ssd_end(t), 1});
    from = memory_beside(t, storage);
  }
}

std::vector<Leg> striped_read(const ChainTable& table, const FileLayout& layout, std::uint64_t file, const Endpoint& client) {
  LegSum legs;
  const double share = 1.0 / (static_cast<double>(layout.stripe()) * table.shape().replicas);
  for (std::uint32_t k = 0; k < layout.stripe(); ++k)
    for (const Target& t : table.chain(layout.chain_of(file, k))) legs.add(ssd_end(t), client, share);
  return legs.take();
}

std::vector<Leg> striped_write(const ChainTable& table, const FileLayout& layout, std::uint64_t file, const Endpoint& client,
                               const StorageView& storage) {
  LegSum legs;
  std::vector<Leg> along;
  for (std::uint32_t k = 0; k < layout.stripe(); ++k) {
    along.clear();
    chain_write_legs(client, table.chain(layout.chain_of(file, k)), storage, along);
    for (const Leg& l : along) legs.add(l.from, l.to, 1.0 / layout.stripe());
  }
  return legs.take();
}

namespace {

/// Payload through a NIC of this rate.
BytesPerSecond through(const Access& a, BytesPerSecond nic) { return std::min(nic, a.kernel.nic_limit(nic).value_or(nic)); }
BytesPerSecond client_nics(const StorageView& s, const Access& a, std::uint32_t clients) {
  return through(a, s.client_rate) * double(clients);
}
BytesPerSecond storage_nics(const StorageView& s, const Access& a) { return through(a, s.nic_rate) * double(s.nodes * s.nics_per_node); }

}  // namespace

std::vector<Limit> read_limits(const StorageView& s, const Access& a, std::uint32_t clients) {
  return {{"client NICs", client_nics(s, a, clients)},
          {"storage NICs", storage_nics(s, a)},
          {"SSDs", s.ssd_read * double(s.nodes * s.ssds_per_node)}};
}

std::vector<Limit> write_limits(const StorageView& s, const Access& a, std::uint32_t clients) {
  // Every replica takes in all bytes; all but the tail send them on.
  return {{"client NICs", client_nics(s, a, clients)},
          {"storage NICs", storage_nics(s, a) / a.replicas},
          {"SSDs", s.ssd_write * (double(s.nodes * s.ssds_per_node) / a.replicas)}};
}

const Limit& tightest(const std::vector<Limit>& limits) {
  return *std::min_element(limits.begin(), limits.end(), [](const Limit& x, const Limit& y) { return x.rate < y.rate; });
}

std::string bound_by(const std::vector<Limit>& limits, BytesPerSecond reached) {
  const Limit& least = tightest(limits);
  return reached >= least.rate * 0.75 ? least.name : "switches";
}

double tib_per_second(BytesPerSecond r) { return r.value() / 1099511627776.0; }
double gib_per_second(BytesPerSecond r) { return r.value() / 1073741824.0; }

}  // namespace weft::workloads::storage
