// DeepEP's normal dispatch kernel.
#include "workloads/moe/normal_kernel.h"

namespace weft::workloads {

WorkloadKind deepep_dispatch_kind() { return moe::normal_kernel_kind(moe::Direction::dispatch); }

}  // namespace weft::workloads
