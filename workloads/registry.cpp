// The list of workload kinds; meson.build names them, registry.py writes one WEFT_KIND(name) line for each.
#include "workloads/workload.h"

namespace weft::workloads {

#define WEFT_KIND(name) WorkloadKind name##_kind();
#include "workloads/workload_kinds.inc"
#undef WEFT_KIND

const std::vector<WorkloadKind>& workload_kinds() {
  static const std::vector<WorkloadKind> kinds = {
#define WEFT_KIND(name) name##_kind(),
#include "workloads/workload_kinds.inc"
#undef WEFT_KIND
  };
  return kinds;
}

}  // namespace weft::workloads
