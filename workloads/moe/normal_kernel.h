// DeepEP's normal kernels as workload kinds: dispatch and combine differ by direction and bytes only.
#pragma once

#include "workloads/moe/exchange.h"
#include "workloads/workload.h"

namespace weft::workloads::moe {

WorkloadKind normal_kernel_kind(Direction direction);

}  // namespace weft::workloads::moe
