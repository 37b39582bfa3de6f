// Running a scenario: every variant, every workload, every case; rows with their bounds, and expectations held against them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "reports/report.h"
#include "scenarios/kernel_times.h"
#include "scenarios/scenario.h"
#include "scenarios/trace.h"
#include "sim/core/files.h"
#include "sim/engine/engines.h"

namespace weft::scenarios {

struct RunOptions {
  std::uint64_t seed = 1;
  unsigned jobs = 0;                 ///< threads; 0: as many as the machine has. Never changes a byte of the result.
  engine::EngineKind engine = engine::engine_kinds().front();
  bool classes = true;               ///< merge equivalent flows (exact)
  bool fold = true;                  ///< merge equivalent ranks (exact)
  double time_tolerance = 0;         ///< as engine::Options; above 0 the result says that it is approximate
  unsigned threads = 1;              ///< inside one run of the engine; set from `jobs`
  KernelOptions kernels;             ///< how long kernels take
  std::optional<KernelDraw> draw;    ///< kernel times of this draw; workloads without kernel times are left out
  std::shared_ptr<const KernelTimes> kernel_times;   ///< of `kernels`, so that several runs read calibrations once; null: the run makes its own
  const TraceRequest* trace = nullptr;   ///< draw one case, which then runs with every rank and in one piece; null: none
  Traced* traced = nullptr;              ///< set when the case has run; may be null
  /// Called from any thread, one at a time: done and total units of work.
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// What would run, for --dry-run: one line a workload of each variant.
struct Plan {
  std::shared_ptr<const Json> input;     ///< the scenario with defaults filled in
  std::vector<Row> rows;                 ///< variant, workload, kind, cases
};

Plan plan_scenario(const Scenario& scenario, const DataPlaces& data, std::uint64_t seed, const KernelOptions& kernels = {});

/// Of a result that is run again: throws UserError when its input comes to something else today, because data files or weft have changed since. Nothing
/// when settings changed it, or when it is no result.
void require_same_input(const Scenario& scenario, const DataPlaces& data, const KernelOptions& kernels);

/// Throws UserError, or RunError when a result lies under its bound.
reports::Report run_scenario(const Scenario& scenario, const DataPlaces& data, const RunOptions& options);

/// A cell of a report by its path "variant/workload[label=value,...]/column"; throws UserError that names what is missing.
double cell_of(const reports::Report& report, const std::string& path);

/// Fills report.expectations; nothing when settings changed the scenario, since what was published is not about that. Throws UserError (place: the expectation's pointer) for a path that leads nowhere.
void check_expectations(const Scenario& scenario, reports::Report& report);

/// 100 (got - value) / |value|, or 100 (got - value) when value is 0; and whether that is within a tolerance.
double error_pct(double got, double value);
bool within(double error_pct, double tolerance_pct);

}  // namespace weft::scenarios
