// Telling a case in full: why it takes as long as it does, its network, its timeline.
#pragma once

#include <cstddef>
#include <string>

#include "reports/page/page.h"
#include "scenarios/studies/explain.h"

namespace weft::scenarios {

struct StoryOptions {
  ExplainOptions explain;
  std::size_t ranks = 8;             ///< of which the timeline is drawn, at most
  std::size_t slices = 20000;        ///< at most, of the timeline
  std::size_t bundles = 2500;        ///< at most, of the network
};

/// `of` means one simulated case, as explain() takes it. Runs it once more than explain() does, with every rank. Throws UserError.
reports::Story tell(const Scenario& scenario, const DataPlaces& data, const std::string& of, const StoryOptions& options);

}  // namespace weft::scenarios
