#include "scenarios/studies/explain.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/case_run.h"
#include "scenarios/studies/try_it.h"
#include "sim/analysis/explain/critical_path.h"
#include "sim/analysis/explain/free_program.h"
#include "sim/analysis/explain/path_reader.h"
#include "sim/analysis/explain/summary.h"
#include "sim/core/error.h"
#include "sim/engine/watch.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::Outcome;
using workloads::Program;

/// As it runs when it is explained: the first trial, and all that follows.
struct Played {
  const Case& c;
  const Cluster& cluster;
  const engine::Options options;

  std::size_t programs() const { return 1 + c.then.size(); }
  std::unique_ptr<Program> program(std::size_t i) const { return i == 0 ? c.program(0) : c.then[i - 1].program(0); }
};

class FindsPath final : public engine::Watch {
 public:
  Program& over(Program& simulated, const engine::LinkOrbits*) override { return path_.emplace(simulated); }
  engine::TimelineSink& sink() override { return *path_; }
  std::vector<analysis::OnPath> take() const { return path_->take(); }

 private:
  std::optional<analysis::CriticalPath> path_;
};

struct Bins {
  double offset = 0, width = 0;
};

class ReadsPath final : public engine::Watch {
 public:
  ReadsPath(topology::Router& router, const analysis::LinkRoles& roles, std::span<const analysis::OnPath> path, Bins bins, analysis::LinksUsed& used)
      : router_(router), roles_(roles), path_(path), bins_(bins), used_(used) {}
  Program& over(Program& simulated, const engine::LinkOrbits* orbits) override {
    return reader_.emplace(simulated, router_, orbits, roles_, path_, bins_.offset, bins_.width, used_);
  }
  engine::TimelineSink& sink() override { return *reader_; }
  void ended() override { steps_ = reader_->take(); }
  std::vector<analysis::StepFacts> take() { return std::move(steps_); }

 private:
  topology::Router& router_;
  const analysis::LinkRoles& roles_;
  std::span<const analysis::OnPath> path_;
  Bins bins_;
  analysis::LinksUsed& used_;
  std::optional<analysis::PathReader> reader_;
  std::vector<analysis::StepFacts> steps_;
};

class Frees final : public engine::Watch {
 public:
  Frees(const analysis::Freed& what, std::uint64_t most) : what_(what), most_(most) {}
  Program& over(Program& simulated, const engine::LinkOrbits*) override { return program_.emplace(simulated, what_, most_); }
  engine::TimelineSink& sink() override { return nobody_; }

 private:
  class Nobody final : public engine::TimelineSink {
    bool wants_operations() const override { return false; }
  };
  const analysis::Freed& what_;
  std::uint64_t most_;
  std::optional<analysis::FreeProgram> program_;
  Nobody nobody_;
};

constexpr double kInfinitelyFast = 1e6;   ///< times a link's own rate: rounding stays far away

Seconds total_of(const Case& c, const Outcome& o) {
  Seconds total = o.makespan;
  for (const Seconds t : o.then) total += t;
  if (c.beyond) {
    for (const auto& [name, time] : c.beyond({&o, 1})) total += time;
  }
  return total;
}

/// Nothing when the program then does something else. `usual`: operations of each program.
std::optional<Seconds> without(const Played& p, const analysis::Freed& what, const std::vector<std::uint64_t>& usual) try {
  Outcome o;
  for (std::size_t i = 0; i < p.programs(); ++i) {
    topology::Router router(p.cluster.fabric(), p.cluster.routing());
    for (const LinkId l : what.links) router.set_capacity(l, router.capacity(l) * kInfinitelyFast);
    const auto program = p.program(i);
    Frees frees(what, 2 * usual[i] + 1000);
    const Seconds t = engine::run_watched(router, *program, p.options, frees).makespan;
    if (i == 0) o.makespan = t;
    else o.then.push_back(t);
  }
  return total_of(p.c, o);
} catch (const analysis::GoesOnDifferently&) {
  return std::nullopt;
}

/// Counts runs of the engine for whoever waits.
class Count {
 public:
  explicit Count(const std::function<void(std::size_t, std::size_t)>& tell) : tell_(tell) {}
  void expect(std::size_t more) { total_ += more; }
  void one() {
    ++done_;
    if (tell_) tell_(done_, total_);
  }

 private:
  const std::function<void(std::size_t, std::size_t)>& tell_;
  std::size_t done_ = 0, total_ = 0;
};

std::vector<std::string> notes_on(const Played& p, const engine::Summary& first, const analysis::Explanation& why) {
  std::vector<std::string> notes;
  if (first.ranks != 0) notes.push_back(fmt::format("{} of {} ranks were simulated and stand for the others, which are alike: links \"alike\" are theirs, too", first.simulated_ranks, first.ranks));
  if (p.c.trials > 1) notes.push_back(fmt::format("this is the first of the case's {} trials", p.c.trials));
  if (!p.options.events.empty()) notes.push_back("the network changes in mid-run: a transfer's bottleneck is looked for on the route that it had when it was emitted, and links are not made free");
  if (p.c.observe == workloads::Observe::first_rates) notes.push_back("the result is that of the first rates alone; here the program ran to its end");
  if (why.exposed > Seconds()) notes.push_back("a step's bottleneck is the fullest link of its route while it moved; where several are equally full the first is named");
  return notes;
}

ExplainedCase explain_case(const TracedCase& chosen, const Case& c, const std::vector<std::string>& taken, const ExplainOptions& options) {
  const Cluster& cluster = *chosen.variant->cluster;
  engine::Options engine_options = scenarios::engine_options(options.run, cluster);
  const Played p{c, cluster, engine_options};
  Count count(options.progress);
  count.expect(2 * p.programs());

  std::vector<std::vector<analysis::OnPath>> paths;
  Outcome outcome;
  engine::Summary first;
  std::vector<std::uint64_t> usual;
  for (std::size_t i = 0; i < p.programs(); ++i) {
    topology::Router router(cluster.fabric(), cluster.routing());
    const auto program = p.program(i);
    FindsPath finds;
    const engine::Summary s = engine::run_watched(router, *program, p.options, finds);
    usual.push_back(s.operations * (s.simulated_ranks > 0 ? s.ranks / s.simulated_ranks + 1 : 1));   // without what is freed it may not fold
    if (i == 0) first = s, outcome.makespan = s.makespan;
    else outcome.then.push_back(s.makespan);
    paths.push_back(finds.take());
    count.one();
  }
  const auto beyond = c.beyond ? c.beyond({&outcome, 1}) : std::vector<std::pair<std::string, Seconds>>();
  const Seconds total = total_of(c, outcome);

  const analysis::LinkRoles roles(cluster.fabric());
  analysis::LinksUsed used;
  used.bytes.resize(cluster.fabric().links().size(), 0);
  used.by_role.assign(roles.count(), std::vector<double>(options.bins, 0));
  std::vector<analysis::StepFacts> steps;
  Bins bins{0, total.value() / static_cast<double>(std::max<std::size_t>(1, options.bins))};
  for (std::size_t i = 0; i < p.programs(); ++i) {
    topology::Router router(cluster.fabric(), cluster.routing());
    const auto program = p.program(i);
    ReadsPath reads(router, roles, paths[i], bins, used);
    bins.offset += engine::run_watched(router, *program, p.options, reads).makespan.value();
    for (analysis::StepFacts& s : reads.take()) steps.push_back(std::move(s));
    count.one();
  }

  const topology::Router router(cluster.fabric(), cluster.routing());
  constexpr std::size_t most = 5;
  analysis::Summarised told = analysis::summarise(router, roles, std::move(steps), used, beyond, std::max(most, options.free));
  bool different = false;
  count.expect((std::min(options.free, told.links.size()) + std::min(options.free, told.operations.size())) * p.programs());
  for (auto [costs, freed] : {std::pair(&told.why.links, &told.links), std::pair(&told.why.operations, &told.operations)}) {
    for (std::size_t i = 0; i < costs->size(); ++i) {
      (*costs)[i].try_it = try_it((*costs)[i], (*freed)[i], *chosen.variant, *chosen.workload, taken);
      const analysis::Freed& what = (*freed)[i];
      const bool changed = !what.links.empty() && !p.options.events.empty();   // an event would undo it
      const bool something = !changed && (!what.operations.empty() || !what.kernels.empty() || !what.links.empty());
      if (i < options.free && something) (*costs)[i].if_free = without(p, what, usual);
      different = different || (i < options.free && something && !(*costs)[i].if_free);
      for (std::size_t n = 0; i < options.free && n < p.programs(); ++n) count.one();
    }
  }
  ExplainedCase out;
  out.of = chosen.name;
  out.why = std::move(told.why);
  out.why.sentence = analysis::sentence_of(out.why);
  out.why.notes = notes_on(p, first, out.why);
  if (different) out.why.notes.push_back("where nothing is said of what it would take without an operation, the program would go on differently: a server that answers at once is no server");
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

std::vector<ExplainedAnalysis> Explainer::analyses(const std::string& of) const {
  std::vector<ExplainedAnalysis> out;
  for (const ResolvedVariant& v : resolved_->variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      const std::string name = v.name + "/" + w.id;
      if (!w.analysis || name.find(of) == std::string::npos) continue;
      try {
        out.push_back({name, w.analysis_kind->found_by, w.analysis_kind->why ? w.analysis_kind->why(w.analysis->rows(*v.cluster)) : ""});
      } catch (const UserError& e) {
        throw placed(e, v.file, w.pointer);
      }
    }
  }
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
