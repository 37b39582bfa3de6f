// What storage_read and storage_write are made of: one workload, and the parameters that both have under their own
// names.
#include "workloads/storage/loops.h"

namespace weft::workloads::storage {
namespace {

std::string verb(bool writes) { return writes ? "write" : "read"; }

class ChunkWorkload final : public StorageWorkload {
 public:
  ChunkWorkload(const Parameters& p, const Access& access, LoopPlan plan, std::int64_t clients)
      : StorageWorkload(p, access), plan_(std::move(plan)), clients_(clients) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    LoopPlan plan = plan_;
    const std::int64_t behind = plan.background_clients;
    const std::uint32_t all = clients_of(cluster, 0, "/clients");
    if (behind >= all)
      throw UserError("/background_clients", "they leave no node for the clients",
                      "the cluster has " + std::to_string(all) + " nodes for both");
    plan.clients = clients_of(cluster, clients_ == 0 ? all - behind : clients_, "/clients");
    clients_of(cluster, plan.clients + behind, "/background_clients");
    Loop loop = loop_of(plan, cluster, access_, table_of(cluster));
    loop.run.labels.set("clients", std::int64_t{plan.clients})
        .set(verb(plan.writes) + "_size_B", bytes_cell(plan.size))
        .set("in_flight", std::int64_t{plan.in_flight});
    loop.run.fill = [plan, shape = loop.shape, limits = loop_limits(plan, cluster, access_),
                     nodes = cluster.storage.nodes](std::span<const Outcome> o, Row& row) {
      fill_rates(steady_rate(o[0], shape, plan.clients, tightest(limits).rate), limits, plan.clients, nodes, row);
    };
    return {loop.run};
  }

 private:
  LoopPlan plan_;
  std::int64_t clients_;
};

}  // namespace

std::unique_ptr<Workload> chunk_workload(const Parameters& p, const Access& access, const LoopPlan& plan,
                                         std::int64_t clients) {
  return std::make_unique<ChunkWorkload>(p, access, plan, clients);
}

LoopPlan read_chunk_plan(Parameters& p, bool writes) {
  LoopPlan plan;
  plan.name = verb(writes);
  plan.writes = writes;
  plan.count_key = plan.name + "s";
  plan.size = p.size(plan.name + "_size", "4 MiB");
  plan.in_flight = static_cast<std::uint32_t>(p.integer("in_flight", 32, 1, 1 << 16));
  plan.requests =
      static_cast<std::uint32_t>(p.integer(plan.count_key, std::int64_t{4} * plan.in_flight, plan.in_flight, 1 << 24));
  plan.striped = p.word("pattern", {"random", "striped"}, "random") == "striped";
  return plan;
}

std::vector<ColumnDoc> chunk_docs(bool writes) {
  const std::string one = verb(writes), many = one + "s";
  return {{"clients", "nodes that " + one + "; default: all"},
          {one + "_size", "bytes of a " + one + "; default 4 MiB, the most that 3FS's client puts into one request"},
          loop_docs(many)[0],
          {many, many + " of each client; default: four times in_flight"},
          {"pattern", "\"random\" (default): every " + one +
                          " draws a chunk; \"striped\": a client goes through a file of its own"}};
}

std::vector<ColumnDoc> chunk_columns(bool writes) {
  const std::string one = verb(writes);
  std::vector<ColumnDoc> columns = {{"clients", "nodes that " + one},
                                    {one + "_size_B", "bytes of a " + one},
                                    {"in_flight", one + "s of a client in flight"}};
  for (ColumnDoc& d : rate_columns()) columns.push_back(std::move(d));
  return columns;
}

}  // namespace weft::workloads::storage
