// NCCL's ring all-gather.
#include "workloads/rings.h"

namespace weft::workloads {

WorkloadKind all_gather_kind() {
  return ring_kind({"all_gather", "ring all-gather", "total array, all GPUs of a group together", 1});
}

}  // namespace weft::workloads
