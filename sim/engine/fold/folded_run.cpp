// Finding symmetries, and running a program folded by them.
#include <algorithm>

#include "sim/engine/fluid/run.h"
#include "sim/engine/fold/fold.h"
#include "sim/engine/fold/folded_program.h"
#include "sim/engine/fold/folded_timeline.h"
#include "sim/engine/fold/search.h"
#include "sim/engine/watch.h"

namespace weft::engine {

void FoldedTimeline::flush() {
  std::sort(ended_.begin(), ended_.end());
  for (const OpId id : ended_) to_.finished(id, at_);
  ended_.clear();
}

std::optional<Fold> find_fold(topology::Router& router, workloads::Program& program, const Options& options) {
  const std::shared_ptr<workloads::Symmetry> symmetry = program.symmetry();
  if (!symmetry || symmetry->ranks().ranks() < 2) return std::nullopt;
  const FabricInUse fabric(router, symmetry->ranks(), options.events);
  if (!fabric.has_symmetries()) return std::nullopt;
  std::vector<Search::Generator> generators = Search(*symmetry, fabric).take();
  if (generators.empty()) return std::nullopt;
  Fold fold(symmetry, router.fabric().links().size());
  for (Search::Generator& g : generators) fold.add(std::move(g.ranks), std::move(g.back), g.links);
  fold.close();
  return fold;
}

Summary run_folded(const Fold& fold, topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink) {
  FoldedProgram folded(fold, program);
  FoldedTimeline timeline(fold, sink);
  Summary s = Run(router, folded, options, timeline, &fold.links()).execute();
  timeline.flush();
  s.operations = folded.operations();
  s.flows = folded.flows();
  s.ranks = fold.symmetry().ranks().ranks();
  s.simulated_ranks = static_cast<std::uint32_t>(fold.simulated().size());
  return s;
}

Summary run_watched(topology::Router& router, workloads::Program& program, const Options& options, Watch& watch) {
  if (options.fold) {
    if (const auto fold = find_fold(router, program, options)) {
      FoldedProgram folded(*fold, program);
      Summary s = Run(router, watch.over(folded, &fold->links()), options, watch.sink(), &fold->links()).execute();
      watch.ended();
      s.ranks = fold->symmetry().ranks().ranks();
      s.simulated_ranks = static_cast<std::uint32_t>(fold->simulated().size());
      return s;
    }
  }
  Summary s = Run(router, watch.over(program, nullptr), options, watch.sink()).execute();
  watch.ended();
  return s;
}

}  // namespace weft::engine
