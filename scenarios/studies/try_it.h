// try_it(): a setting of the scenario that changes what an explanation says costs most.
#pragma once

#include <string>

#include "scenarios/resolve.h"
#include "sim/analysis/explain/explanation.h"
#include "sim/analysis/explain/free_program.h"

namespace weft::scenarios {

/// "--set '/cluster/node/nic_rate=800 Gbps'": the part twice as fast, or mended; empty where no setting reaches it.
std::string try_it(const analysis::Explanation::Cost& cost, const analysis::Freed& what, const ResolvedVariant& variant, const ResolvedWorkload& workload);

}  // namespace weft::scenarios
