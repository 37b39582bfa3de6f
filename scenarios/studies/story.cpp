#include "scenarios/studies/story.h"

#include "scenarios/studies/network_picture.h"
#include "scenarios/studies/timeline_picture.h"

namespace weft::scenarios {

reports::Story tell(const Scenario& scenario, const DataPlaces& data, const std::string& of, const StoryOptions& options) {
  ExplainedCase explained = explain(scenario, data, of, options.explain);
  reports::Story story;
  story.of = explained.of;
  story.network = network_picture(*explained.fabric, explained.failed, explained.why.link_use, options.bundles);
  const std::vector<std::uint32_t> ranks = ranks_to_draw(explained.why.path, explained.fabric->placement().ranks(), options.ranks);
  story.timeline = timeline_picture(scenario, data, explained.of, options.explain.run, ranks, options.ranks, options.slices);
  story.why = std::move(explained.why);
  return story;
}

}  // namespace weft::scenarios
