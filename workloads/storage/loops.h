// Reads or writes of chunks by many clients in closed loops: the case that storage_read, storage_write and kv_cache_read have in common.
#pragma once

#include <memory>
#include <string>

#include "workloads/storage/access.h"
#include "workloads/storage/closed_loop.h"

namespace weft::workloads::storage {

struct LoopPlan {
  std::string name = "read";
  std::string count_key = "reads";  ///< the parameter that says how many
  bool writes = false;
  bool striped = false;        ///< a client goes through the chunks of a file of its own; else each chunk is drawn from all
  bool drawn_replicas = true;  ///< a read goes to a replica drawn at random; else to each in turn
  std::uint32_t clients = 1;   ///< nodes 0, 1, ...
  std::uint32_t in_flight = 32;
  std::uint32_t requests = 96;  ///< of each client
  Bytes size;
  std::uint32_t background_clients = 0;  ///< nodes behind the clients, which read chunks drawn at random for as long
  BytesPerSecond background_rate;        ///< most that each of them reads
};

/// What a loop's limits are, that of having only so many requests in flight among them.
std::vector<Limit> loop_limits(const LoopPlan& plan, const ClusterView& cluster, const Access& access);
/// The loop as a case without labels and columns. Whole chunks are read or written.
struct Loop {
  LoopShape shape;
  std::shared_ptr<const ChainTable> table;
  Case run;  ///< observes times
};
Loop loop_of(const LoopPlan& plan, const ClusterView& cluster, const Access& access, ChainTable table);
/// Sets rates, use of NICs and SSDs, request times and what bounds them.
void fill_rates(const SteadyRate& steady, const std::vector<Limit>& limits, std::uint32_t clients, std::uint32_t storage_nodes, Row& row);
std::vector<ColumnDoc> rate_columns();

/// Parameters of a plan that all kinds read alike: in_flight, background.
std::vector<ColumnDoc> loop_docs(const std::string& what);

/// Clients that read chunks, or write them, as fast as they can. `clients`: 0 stands for all nodes that are not in the background.
std::unique_ptr<Workload> chunk_workload(const Parameters& p, const Access& access, const LoopPlan& plan, std::int64_t clients);
/// The plan's size, in_flight, requests and pattern, for reads ("read_size", "reads") or writes ("write_size", "writes").
LoopPlan read_chunk_plan(Parameters& p, bool writes);
std::vector<ColumnDoc> chunk_docs(bool writes);
std::vector<ColumnDoc> chunk_columns(bool writes);

}  // namespace weft::workloads::storage
