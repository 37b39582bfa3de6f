// What a scenario's workload does, recorded as a NamedProgram: for writing it as a trace.
#pragma once

#include <string>

#include "scenarios/runner.h"
#include "workloads/named_program.h"

namespace weft::scenarios {

/// Which case: "[VARIANT/]WORKLOAD[label=value,...]" as in `expect`, without a column. Empty when there is one alone.
/// Runs it on the engine of `options`, since a program may decide as it goes (workloads/program_recorder.h). Of several trials it is
/// the first; programs that follow stand behind. What a workload adds to its time by formula is no part of a program. Throws UserError when the name means no case, or several, or the case is too large.
workloads::NamedProgram record_program(const Scenario& scenario, const DataPlaces& data, const RunOptions& options,
                                       const std::string& name);

}  // namespace weft::scenarios
