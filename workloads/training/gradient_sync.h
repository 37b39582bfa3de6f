// The end of a step: gradients are summed over the copies of each parameter, and updated weights go back to them.
#pragma once

#include <memory>

#include "workloads/training/layout.h"
#include "workloads/training/step_setup.h"

namespace weft::workloads::training {

enum class SyncPass { reduce_scatter, all_gather };

/// What sync_of() says of every GPU, all at once. Copies on whole nodes share their part over NVLink first, then every GPU exchanges an n-th of an
/// eighth with its namesake on each of the n nodes: as many bytes on NICs as the best ring has, and on NVLink a part less. Routed experts go
/// straight to the GPUs with the same ones. Ranks are alike (Program::symmetry). `alone`: the first rank of each stage sends, the others do not; whatever
/// bounds this from below is no more than a bound of the whole.
std::unique_ptr<Program> sync_program(const StepSetup& setup, const Layout& layout, const StepGrid& grid, SyncPass pass, bool alone = false);

/// AdamW over what ZeRO leaves of the fullest rank's parameters to each GPU, by the kernel model.
Seconds update_time(const StepSetup& setup, const Layout& layout);

}  // namespace weft::workloads::training
