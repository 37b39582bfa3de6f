// What run, compare and sweep do alike: execute a scenario with progress, tell missed expectations.
#pragma once

#include "reports/report.h"
#include "scenarios/runner.h"
#include "sim/cli/app.h"
#include "sim/cli/trace.h"

namespace weft::cli {

/// Puts the engine's options into `run`; throws UserError for an engine that is not known.
void apply(const EngineOptions& options, scenarios::RunOptions& run);

/// The same for kernel times; throws UserError for a cost model that is not known or a calibration that cannot be read.
void apply(const KernelTimeOptions& options, scenarios::KernelOptions& kernels);

/// What the options say, and where they say nothing what a result that is run again says.
scenarios::RunOptions run_options(const scenarios::Scenario& scenario, const ScenarioOptions& options);

/// Runs all variants and holds the expectations against them; with `draws` above 0 adds bands of uncertainty, with `trace`
/// draws a case. Warnings go to stderr. With -v tells how long it took.
reports::Report execute(const scenarios::Scenario& scenario, const Common& common, const ScenarioOptions& options, std::size_t draws = 0,
                        TraceOutput* trace = nullptr);

/// --dry-run: what would run; with --json the resolved scenario.
void emit_plan(const scenarios::Scenario& scenario, const Common& common, const ScenarioOptions& options);

/// Notes missed expectations on stderr; throws CheckFailed with --strict.
void tell_misses(const reports::Report& report, const Common& common, const ScenarioOptions& options);

/// Where the resolved inputs of the variants differ from the first one's.
std::vector<reports::InputDifference> variant_differences(const reports::Report& report);

}  // namespace weft::cli
