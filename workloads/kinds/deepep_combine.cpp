// DeepEP's normal combine kernel.
#include "workloads/moe/normal_kernel.h"

namespace weft::workloads {

WorkloadKind deepep_combine_kind() { return moe::normal_kernel_kind(moe::Direction::combine); }

}  // namespace weft::workloads
