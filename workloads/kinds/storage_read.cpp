// Clients read chunks from storage nodes as fast as they can: the aggregate, and what bounds it.
#include "workloads/storage/loops.h"

namespace weft::workloads {
using namespace storage;

WorkloadKind storage_read_kind() {
  WorkloadKind k;
  k.name = "storage_read";
  k.title = "clients read chunks from storage";
  k.summary =
      "Each client node keeps reads in flight, from SSDs over the storage network into its host memory; a chunk is "
      "read from any replica "
      "of its chain (CRAQ). Chunks drawn at random "
      "load NICs and SSDs unevenly from moment to moment, and what that costs is part of the rate.";
  std::vector<ColumnDoc> docs = chunk_docs(false);
  docs.push_back({"replica", "\"drawn\" (default) at random, or in \"turn\""});
  docs.push_back({"background_clients", "further nodes that read beside the clients and are not counted; default 0"});
  docs.push_back({"background_rate", "most that each of them reads; default 1 GB/s (assumed)"});
  k.parameters = with_access(std::move(docs));
  k.columns = chunk_columns(false);
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const std::int64_t clients = read_clients(p, 0);
    LoopPlan plan = read_chunk_plan(p, false);
    plan.drawn_replicas = p.word("replica", {"drawn", "turn"}, "drawn") == "drawn";
    plan.background_clients = static_cast<std::uint32_t>(p.integer("background_clients", 0, 0, 1 << 24));
    plan.background_rate = where.quantity_or<BytesPerSecond>("background_rate", BytesPerSecond(1e9));
    p.remember("background_rate", to_text(plan.background_rate));
    return chunk_workload(p, read_access(p), plan, clients);
  };
  return k;
}

}  // namespace weft::workloads
