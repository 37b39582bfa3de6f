// check_against(): the simulated cases of a scenario on two engines, operation by operation.
#pragma once

#include "reports/report.h"
#include "scenarios/runner.h"

namespace weft::scenarios {

/// Engines agree when no start or finish differs by more than this part of the operation's finish.
inline constexpr double kAgreement = 1e-9;

struct CheckResult {
  reports::Listing listing;     ///< a row a case: operations, largest deviations and where, makespans
  std::size_t cases = 0;
  double worst = 0;             ///< largest deviation of all
  std::string worst_case;       ///< "variant/workload[label=value,...]"
  bool agree() const { return worst <= kAgreement; }
};

/// Runs every case on `options.engine` and on `reference`, both at granularity `pair` (what engines without weights per link
/// know), and compares the start and finish of all operations. Where one of the two leaves contention out, it must not be
/// later; being earlier is no deviation. Throws UserError when the two are the same engine, RunError when they do not finish
/// the same operations, and what the engines throw.
CheckResult check_against(const Scenario& scenario, const DataPlaces& data, const RunOptions& options, const engine::EngineKind& reference);

}  // namespace weft::scenarios
