// NCCL's ring all-reduce.
#include "workloads/rings.h"

namespace weft::workloads {

WorkloadKind all_reduce_kind() { return ring_kind({"all_reduce", "ring all-reduce", "array of one GPU", 2}); }

}  // namespace weft::workloads
