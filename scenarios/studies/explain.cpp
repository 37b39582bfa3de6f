#include "scenarios/studies/explain.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/case_name.h"
#include "scenarios/case_run.h"
#include "scenarios/parallel.h"
#include "scenarios/studies/explain_runs.h"
#include "scenarios/studies/try_it.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

using workloads::Case;

std::vector<std::string> notes_on(const Played& p, const engine::Summary& first, const analysis::Explanation& why) {
  std::vector<std::string> notes;
  if (first.ranks != 0) notes.push_back(fmt::format("{} of {} ranks were simulated and stand for the others, which are alike: links \"alike\" are theirs, too", first.simulated_ranks, first.ranks));
  if (p.c.trials > 1) notes.push_back(fmt::format("this is the first of the case's {} trials", p.c.trials));
  if (!p.options.events.empty()) notes.push_back("the network changes in mid-run: a transfer's bottleneck is looked for on the route that it had when it was emitted, and links are not made free");
  if (p.c.observe == workloads::Observe::first_rates) notes.push_back("the result is that of the first rates alone; here the program ran to its end");
  if (why.exposed > Seconds()) notes.push_back("a step's bottleneck is the fullest link of its route while it moved; where several are equally full the first is named");
  return notes;
}

/// Links that bear at least this part of the time are told what would limit the case after them.
constexpr double kWorthAsking = 0.02;
constexpr std::size_t kShown = 5;

/// What is made free in turn, and what the case then takes.
class Trials {
 public:
  Trials(const Played& p, const analysis::LinkRoles& roles, const Walked& usual, Count& count) : p_(p), roles_(roles), usual_(usual), count_(count) {}

  /// Whether a program went on differently.
  bool different() const { return different_; }

  std::optional<Seconds> time(const analysis::Freed& what) {
    const auto out = time_without(p_, {what, usual_.usual}, count_);
    different_ = different_ || !out;
    return out;
  }

  /// With no transfer taking time, what is left of the critical path still has to be gone, and nothing takes longer: where that does not hold, the
  /// program does something else, as a server that forms other batches.
  std::optional<Seconds> without_communication() {
    const analysis::Explanation& why = usual_.told.why;
    auto out = time(analysis::all_communication());
    constexpr double rounding = 1e-9;
    if (out && (*out < (why.total - why.exposed) * (1 - rounding) || *out > why.total * (1 + rounding))) out.reset(), different_ = true;
    return out;
  }

  /// What limits most of the case then; empty when the program goes on differently.
  std::string next(const analysis::Freed& what) try {
    const analysis::Explanation why = walk(p_, roles_, 1, kShown, Freeing{what, usual_.usual}, count_).told.why;
    return analysis::limit_text(why);
  } catch (const analysis::GoesOnDifferently&) {
    return "";
  }

  void free(std::vector<analysis::Explanation::Cost>& costs, const std::vector<analysis::Freed>& freed, std::size_t most) {
    for (std::size_t i = 0; i < costs.size() && i < most; ++i) {
      if (!can_be(freed[i])) continue;
      costs[i].if_free = time(freed[i]);
      if (costs[i].if_free && asks(costs[i], freed[i])) costs[i].next = next(freed[i]);
    }
  }
  /// Runs of the engine that free() takes at most.
  std::size_t runs(const std::vector<analysis::Explanation::Cost>& costs, const std::vector<analysis::Freed>& freed, std::size_t most) const {
    std::size_t out = 0;
    for (std::size_t i = 0; i < costs.size() && i < most; ++i) out += !can_be(freed[i]) ? 0 : asks(costs[i], freed[i]) ? 3 : 1;
    return out * p_.programs();
  }

 private:
  bool can_be(const analysis::Freed& what) const {
    const bool changed = !what.links.empty() && !p_.options.events.empty();   // an event would undo it
    return !changed && (!what.operations.empty() || !what.kernels.empty() || !what.links.empty());
  }
  bool asks(const analysis::Explanation::Cost& c, const analysis::Freed& what) const { return what.operations.empty() && c.time > usual_.told.why.total * kWorthAsking; }

  const Played& p_;
  const analysis::LinkRoles& roles_;
  const Walked& usual_;
  Count& count_;
  bool different_ = false;
};

ExplainedCase explain_case(const TracedCase& chosen, const Case& c, const std::vector<std::string>& taken, const ExplainOptions& options) {
  const Cluster& cluster = *chosen.variant->cluster;
  const Played p{c, cluster, scenarios::engine_options(options.run, cluster)};
  Count count(options.progress);
  count.expect(2 * p.programs());
  const analysis::LinkRoles roles(cluster.fabric());
  const Walked walked = walk(p, roles, options.bins, std::max(kShown, options.free), std::nullopt, count);

  ExplainedCase out;
  out.of = chosen.name;
  out.why = walked.told.why;
  analysis::Explanation& why = out.why;
  for (auto [costs, freed] : {std::pair(&why.links, &walked.told.links), std::pair(&why.operations, &walked.told.operations)}) {
    for (std::size_t i = 0; i < costs->size(); ++i) (*costs)[i].try_it = try_it((*costs)[i], (*freed)[i], *chosen.variant, *chosen.workload, taken);
  }
  Trials trials(p, roles, walked, count);
  const bool without = options.free > 0 && why.communicating > Seconds() && why.exposed < why.total;
  count.expect(trials.runs(why.links, walked.told.links, options.free) + trials.runs(why.operations, walked.told.operations, options.free) + (without ? p.programs() : 0));
  trials.free(why.links, walked.told.links, options.free);
  trials.free(why.operations, walked.told.operations, options.free);
  if (without) why.without_communication = trials.without_communication();
  why.sentence = analysis::sentence_of(why);
  why.notes = notes_on(p, walked.first, why);
  if (trials.different()) why.notes.push_back("where nothing is said of what it would take without something, the program would go on differently: a server forms other batches, and one that answers at once is none");
  out.failed = cluster.failed();
  return out;
}

}  // namespace

struct Explainer::Resolved {
  std::vector<ResolvedVariant> variants;
  std::vector<TracedCase> names;                              ///< of the simulated cases
  std::vector<Case> cases;                                    ///< of each of them
  std::vector<std::unique_ptr<topology::Router>> routers;     ///< that cases were planned with
  std::map<std::string, std::vector<std::string>> taken;      ///< by variant: the pointers that it sets itself

  void plan();
};

void Explainer::Resolved::plan() {
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (!w.workload) continue;
      try {
        routers.push_back(std::make_unique<topology::Router>(v.cluster->fabric(), v.cluster->routing()));
        std::size_t number = 0;
        for (Case& c : w.workload->cases(v.cluster->view(*routers.back()))) {
          names.push_back({&v, &w, number++, fmt::format("{}/{}{}", v.name, w.id, label_of(c))});
          cases.push_back(std::move(c));
        }
      } catch (const UserError& e) {
        throw placed(e, v.file, w.pointer);
      }
    }
  }
}

Explainer::Explainer(const Scenario& scenario, const DataPlaces& data, const RunOptions& options) {
  if (options.engine.name != engine::engine_kinds().front().name) {
    throw UserError("--engine", fmt::format("the {} engine does not tell what it simulates", options.engine.name), "explanations are the fluid engine's; leave it out");
  }
  const auto kernels = options.kernel_times ? options.kernel_times : std::make_shared<const KernelTimes>(data, options.kernels);
  const auto all = std::make_shared<Resolved>();
  all->variants = resolve(scenario, data, options.seed, kernels.get());
  if (const auto list = scenario.document->find("variants"); list != scenario.document->end()) {
    for (const Json& v : *list) {
      if (!v.contains("set")) continue;
      for (const auto& [pointer, value] : v["set"].items()) all->taken[v["name"].get<std::string>()].push_back(pointer);
    }
  }
  all->plan();
  resolved_ = all;
}

std::vector<Explainable> Explainer::cases() const {
  std::vector<Explainable> out;
  for (const ResolvedVariant& v : resolved_->variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (w.analysis) out.push_back({v.name + "/" + w.id, v.name, w.id, false});
      for (const TracedCase& c : resolved_->names)
        if (c.workload == &w) out.push_back({c.name, v.name, w.id, true});
    }
  }
  return out;
}

std::vector<ExplainedAnalysis> Explainer::analyses(const std::string& of, const ExplainOptions& options) const {
  std::vector<std::string> names;
  std::vector<std::pair<const ResolvedVariant*, const ResolvedWorkload*>> all;
  for (const ResolvedVariant& v : resolved_->variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (w.analysis) names.push_back(v.name + "/" + w.id), all.emplace_back(&v, &w);
    }
  }
  const std::vector<std::size_t> places = places_meant(of, names, "--of");
  if (places.empty()) throw UserError("--of", fmt::format("nothing here is called \"{}\"", of), fmt::format("there are {}", fmt::join(names, ", ")));
  std::vector<ExplainedAnalysis> out(places.size());
  run_parallel(places.size(), threads_of(options.run.jobs), options.progress, [&](std::size_t i) {
    const auto& [v, w] = all[places[i]];
    try {
      out[i] = {names[places[i]], w->analysis_kind->found_by, w->analysis_kind->why ? w->analysis_kind->why(w->analysis->rows(*v->cluster)) : ""};
    } catch (const UserError& e) {
      throw placed(e, v->file, w->pointer);
    }
  });
  return out;
}

ExplainedCase Explainer::explain(const std::string& of, const ExplainOptions& options) const {
  const std::size_t place = choose_case(resolved_->names, of, "--of", "SCENARIO");
  const TracedCase& chosen = resolved_->names[place];
  try {
    const auto taken = resolved_->taken.find(chosen.variant->name);
    ExplainedCase out = explain_case(chosen, resolved_->cases[place], taken == resolved_->taken.end() ? std::vector<std::string>() : taken->second, options);
    out.fabric = std::shared_ptr<const topology::Fabric>(resolved_, &chosen.variant->cluster->fabric());
    return out;
  } catch (const UserError& e) {
    throw placed(e, chosen.variant->file, chosen.workload->pointer);
  }
}

ExplainedCase explain(const Scenario& scenario, const DataPlaces& data, const std::string& of, const ExplainOptions& options) {
  return Explainer(scenario, data, options.run).explain(of, options);
}

}  // namespace weft::scenarios
