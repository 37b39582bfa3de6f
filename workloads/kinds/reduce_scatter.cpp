// NCCL's ring reduce-scatter.
#include "workloads/rings.h"

namespace weft::workloads {

WorkloadKind reduce_scatter_kind() {
  return ring_kind({"reduce_scatter", "ring reduce-scatter", "total array, all GPUs of a group together", 1});
}

}  // namespace weft::workloads
