// Clients write chunks to storage nodes as fast as they can, each along its chain of replicas.
#include "workloads/storage/loops.h"

namespace weft::workloads {
using namespace storage;

WorkloadKind storage_write_kind() {
  WorkloadKind k;
  k.name = "storage_write";
  k.title = "clients write chunks to storage";
  k.summary =
      "Each client node keeps writes in flight. A write goes to the head of the chunk's chain and from each replica to "
      "the next, all of it "
      "moving together, and is done when the tail has "
      "it. Rates count a client's bytes once, whatever the replicas.";
  k.parameters = with_access(chunk_docs(true));
  k.columns = chunk_columns(true);
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const std::int64_t clients = read_clients(p, 0);
    const LoopPlan plan = read_chunk_plan(p, true);
    return chunk_workload(p, read_access(p), plan, clients);
  };
  return k;
}

}  // namespace weft::workloads
