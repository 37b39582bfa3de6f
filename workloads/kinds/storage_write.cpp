// Clients write chunks to storage nodes as fast as they can, each along its chain of replicas.
#include "workloads/storage/loops.h"

namespace weft::workloads {
namespace {

using namespace storage;

class StorageWrite final : public StorageWorkload {
 public:
  StorageWrite(const Parameters& p, Access access, LoopPlan plan, std::int64_t clients)
      : StorageWorkload(p, access), plan_(plan), clients_(clients) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    LoopPlan plan = plan_;
    plan.clients = clients_of(cluster, clients_, "/clients");
    Loop loop = loop_of(plan, cluster, access_, table_of(cluster));
    loop.run.labels.set("clients", std::int64_t{plan.clients})
        .set("write_size_B", bytes_cell(plan.size))
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

WorkloadKind storage_write_kind() {
  WorkloadKind k;
  k.name = "storage_write";
  k.title = "clients write chunks to storage";
  k.summary =
      "Each client node keeps writes in flight. A write goes to the head of the chunk's chain and from each replica to the next, all of it "
      "moving together, and is done when the tail has "
      "it. Rates count a client's bytes once, whatever the replicas.";
  k.parameters =
      with_access({{"clients", "nodes that write; default: all"},
                   {"write_size", "bytes of a write; default 4 MiB, the most that 3FS's client puts into one request"},
                   loop_docs("writes")[0],
                   {"writes", "writes of each client; default: four times in_flight"},
                   {"pattern", "\"random\" (default): every write draws a chunk; \"striped\": a client goes through a file of its own"}});
  k.columns = {{"clients", "nodes that write"}, {"write_size_B", "bytes of a write"}, {"in_flight", "writes of a client in flight"}};
  for (ColumnDoc& d : rate_columns()) k.columns.push_back(std::move(d));
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    LoopPlan plan;
    plan.name = "write";
    plan.writes = true;
    plan.count_key = "writes";
    const std::int64_t clients = read_clients(p, 0);
    plan.size = p.size("write_size", "4 MiB");
    plan.in_flight = static_cast<std::uint32_t>(p.integer("in_flight", 32, 1, 1 << 16));
    plan.requests = static_cast<std::uint32_t>(p.integer("writes", std::int64_t{4} * plan.in_flight, plan.in_flight, 1 << 24));
    plan.striped = p.word("pattern", {"random", "striped"}, "random") == "striped";
    const Access access = read_access(p);
    return std::make_unique<StorageWrite>(p, access, plan, clients);
  };
  return k;
}

}  // namespace weft::workloads
