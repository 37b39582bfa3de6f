// One phase of a two-phase sort as a program: every node reads tasks from storage, computes on them and writes what came out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "workloads/static_program.h"
#include "workloads/storage/access.h"

namespace weft::workloads::storage {

struct SortPhase {
  std::string name;                             ///< "partition", "sort"
  std::int64_t tasks = 1;                       ///< of all nodes together, dealt out as evenly as they go
  Bytes records;                                ///< of all tasks together
  double read_ratio = 1, write_ratio = 1;       ///< bytes in storage, read and written, for a byte of records
  BytesPerSecond core_rate;                     ///< records that one core gets through
  std::uint32_t cores = 1, cores_per_task = 1;  ///< of a node, of a task
  bool overlap = false;  ///< tasks read while those before them compute and write; else each reads, computes and writes in turn
};

/// Tasks that run at one time on a node go together as one read, one computation and one write: they are alike and start together.
std::unique_ptr<StaticProgram> sort_program(const SortPhase& phase, const ChainTable& table, const Access& access,
                                            const StorageView& storage, std::uint32_t clients);

/// What the phase would take if one thing alone were needed.
struct PhaseTimes {
  Seconds read, compute, write;
  std::string read_by, write_by;  ///< which resource limits the read, the write
  std::string bound_by() const;   ///< what takes longest: "cores", or SSDs, storage NICs, client NICs with "reading" or "writing"
};
/// Throws UserError (/partitions) where the waves of tasks of all clients would move more stripes than can be simulated in some tens of seconds.
void require_few_waves(const SortPhase& phase, const ChainTable& table, const Access& access, std::uint32_t clients);
PhaseTimes phase_times(const SortPhase& phase, const Access& access, const StorageView& storage, std::uint32_t clients);

}  // namespace weft::workloads::storage
