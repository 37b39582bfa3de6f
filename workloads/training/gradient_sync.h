// The end of a step: gradients are summed over the copies of each parameter, and updated weights go back to them.
#pragma once

#include <memory>

#include "workloads/training/layout.h"
#include "workloads/training/step_setup.h"

namespace weft::workloads::training {

enum class SyncPass { reduce_scatter, all_gather };

/// What sync_of() says of every GPU, all at once. Copies inside a node share over NVLink first, then every GPU exchanges its part with its namesake on each of the
/// other nodes that have the same parameters: as many bytes on NICs as the best ring has. `rails`: the ways around lost NICs; null where none is lost. Ranks are alike
/// (Program::symmetry). `alone`: the first rank of each stage sends, the others do not; whatever bounds this from below is no more than a bound of the whole.
/// Throws UserError for more transfers than there are ids.
std::unique_ptr<Program> sync_program(const StepSetup& setup, const Layout& layout, const StepGrid& grid, SyncPass pass, std::shared_ptr<const Rails> rails = nullptr,
                                      bool alone = false);

/// AdamW over what ZeRO leaves of the fullest rank's parameters to each GPU, by the kernel model.
Seconds update_time(const StepSetup& setup, const Layout& layout);

}  // namespace weft::workloads::training
