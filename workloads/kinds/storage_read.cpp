// Clients read chunks from storage nodes as fast as they can: the aggregate, and what bounds it.
#include "workloads/storage/loops.h"

namespace weft::workloads {
namespace {

using namespace storage;

class StorageRead final : public StorageWorkload {
 public:
  StorageRead(const Parameters& p, Access access, LoopPlan plan, std::int64_t clients)
      : StorageWorkload(p, access), plan_(plan), clients_(clients) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    LoopPlan plan = plan_;
    const std::int64_t behind = plan.background_clients;
    const std::uint32_t all = clients_of(cluster, 0, "/clients");
    if (behind >= all && behind > 0)
      throw UserError("/background_clients", "they leave no node for the clients",
                      "the cluster has " + std::to_string(all) + " nodes for both");
    plan.clients = clients_of(cluster, clients_ == 0 ? all - behind : clients_, "/clients");
    clients_of(cluster, plan.clients + behind, "/background_clients");
    Loop loop = loop_of(plan, cluster, access_, table_of(cluster));
    loop.run.labels.set("clients", std::int64_t{plan.clients})
        .set("read_size_B", bytes_cell(plan.size))
        .set("in_flight", std::int64_t{plan.in_flight});
    loop.run.fill = [plan, shape = loop.shape, limits = loop_limits(plan, cluster, access_), nodes = cluster.storage.nodes](
                        std::span<const Outcome> o, Row& row) {
      fill_rates(steady_rate(o[0], shape, plan.clients), limits, plan.clients, nodes, row);
    };
    return {loop.run};
  }

 private:
  LoopPlan plan_;
  std::int64_t clients_;
};

}  // namespace

WorkloadKind storage_read_kind() {
  WorkloadKind k;
  k.name = "storage_read";
  k.title = "clients read chunks from storage";
  k.summary =
      "Each client node keeps reads in flight, from SSDs over the storage network into its host memory; a chunk is read from any replica "
      "of its chain (CRAQ). Chunks drawn at random "
      "load NICs and SSDs unevenly from moment to moment, and what that costs is part of the rate.";
  k.parameters =
      with_access({{"clients", "nodes that read; default: all"},
                   {"read_size", "bytes of a read; default 4 MiB, the most that 3FS's client puts into one request"},
                   loop_docs("reads")[0],
                   {"reads", "reads of each client; default: four times in_flight"},
                   {"pattern", "\"random\" (default): every read draws a chunk; \"striped\": a client goes through a file of its own"},
                   {"replica", "\"drawn\" (default) at random, or in \"turn\""},
                   {"background_clients", "further nodes that read beside the clients and are not counted; default 0"},
                   {"background_rate", "most that each of them reads; default 1 GB/s (assumed)"}});
  k.columns = {{"clients", "nodes that read"}, {"read_size_B", "bytes of a read"}, {"in_flight", "reads of a client in flight"}};
  for (ColumnDoc& d : rate_columns()) k.columns.push_back(std::move(d));
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    LoopPlan plan;
    const std::int64_t clients = read_clients(p, 0);
    plan.size = p.size("read_size", "4 MiB");
    plan.in_flight = static_cast<std::uint32_t>(p.integer("in_flight", 32, 1, 1 << 16));
    plan.requests = static_cast<std::uint32_t>(p.integer("reads", std::int64_t{4} * plan.in_flight, plan.in_flight, 1 << 24));
    plan.striped = p.word("pattern", {"random", "striped"}, "random") == "striped";
    plan.drawn_replicas = p.word("replica", {"drawn", "turn"}, "drawn") == "drawn";
    plan.background_clients = static_cast<std::uint32_t>(p.integer("background_clients", 0, 0, 1 << 24));
    plan.background_rate = where.quantity_or<BytesPerSecond>("background_rate", BytesPerSecond(1e9));
    p.remember("background_rate", to_text(plan.background_rate));
    const Access access = read_access(p);
    return std::make_unique<StorageRead>(p, access, plan, clients);
  };
  return k;
}

}  // namespace weft::workloads
