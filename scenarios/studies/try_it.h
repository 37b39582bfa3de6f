// try_it(): a setting of the scenario that changes what an explanation says costs most.
#pragma once

#include <string>
#include <vector>

#include "scenarios/resolve.h"
#include "sim/analysis/explain/explanation.h"
#include "sim/analysis/explain/free_program.h"

namespace weft::scenarios {

/// "--set '/cluster/node/nic_rate=800 Gbps'": the part twice as fast, a kernel's own rate lifted, failed parts mended; empty where no setting reaches it.
/// `taken`: pointers that the variant sets itself, after every --set.
std::string try_it(const analysis::Explanation::Cost& cost, const analysis::Freed& what, const ResolvedVariant& variant, const ResolvedWorkload& workload,
                   const std::vector<std::string>& taken);

}  // namespace weft::scenarios
