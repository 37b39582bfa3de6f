// What kinds that need kernel times read alike: the family, and the workload's own cost model and calibrations.
#pragma once

#include "scenarios/kernel_times.h"
#include "sim/core/json.h"

namespace weft::scenarios {

/// "family"; null after a problem, which names the known ones.
const models::KernelFamily* read_family(JsonReader& where);

/// "the a100 has no FP8 tensor cores" when the GPU lacks what the call needs; else empty.
std::string lacking(const models::KernelCall& call, const models::Gpu& gpu);

}  // namespace weft::scenarios
