// Explaining: a simulated case of a scenario run again with its critical path recorded.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "sim/analysis/explain/explanation.h"
#include "topology/fabric.h"

namespace weft::scenarios {

struct ExplainOptions {
  RunOptions run;
  std::size_t free = 5;              ///< so many links and operations are made free in turn and the case run again; 0: none
  std::size_t bins = 120;            ///< of Explanation::groups
  std::function<void(std::size_t done, std::size_t total)> progress;   ///< runs of the engine
};

/// A case that can be explained, or a workload that nothing is simulated for.
struct Explainable {
  std::string of;                    ///< "MPFT/all_to_all[gpus=16,size_B=1024]"; of an analysis "MPFT/price"
  std::string variant, workload;
  bool simulated = true;
};

struct ExplainedCase {
  std::string of;
  analysis::Explanation why;
  std::shared_ptr<const topology::Fabric> fabric;   ///< whose LinkIds `why` names
  std::vector<std::string> failed;                  ///< names of parts that are down from the start
};

/// An analysis: no part of it waits for another, but there is something to say.
struct ExplainedAnalysis {
  std::string of, found_by;          ///< "MPFT/weeks", AnalysisKind::found_by
  std::string why;                   ///< a sentence; empty: its rows say all
};

/// A scenario resolved once, so that several of its cases can be explained.
class Explainer {
 public:
  /// Throws UserError, also for an engine that does not tell what it simulates.
  Explainer(const Scenario& scenario, const DataPlaces& data, const RunOptions& options);

  /// All of the scenario, in the order of its rows.
  std::vector<Explainable> cases() const;
  /// `of` means one simulated case, as --trace-of does (any part of its name that only one has). Throws UserError that lists them where it does not.
  ExplainedCase explain(const std::string& of, const ExplainOptions& options) const;

  /// Analyses that `of` means, all of the scenario where that is empty. Runs those that can say why. Throws UserError that lists them where it means none.
  std::vector<ExplainedAnalysis> analyses(const std::string& of, const ExplainOptions& options) const;

 private:
  struct Resolved;
  std::shared_ptr<const Resolved> resolved_;
};

/// One case of a scenario, as Explainer does it.
ExplainedCase explain(const Scenario& scenario, const DataPlaces& data, const std::string& of, const ExplainOptions& options);

}  // namespace weft::scenarios
