#include "scenarios/studies/explain_runs.h"

#include <algorithm>

#include "sim/analysis/explain/critical_path.h"
#include "sim/engine/watch.h"

namespace weft::scenarios {
namespace {

using workloads::Outcome;
using workloads::Program;

constexpr double kInfinitelyFast = 1e6;   ///< times a link's own rate: rounding stays far away

/// The program that runs, with what is free in it.
class Simulated {
 public:
  Simulated(const std::optional<Freeing>& freeing, std::size_t program) : freeing_(freeing), program_(program) {}
  Program& of(Program& simulated) {
    return freeing_ ? static_cast<Program&>(free_.emplace(simulated, freeing_->what, 2 * freeing_->usual[program_] + 1000)) : simulated;
  }

 private:
  const std::optional<Freeing>& freeing_;
  std::size_t program_;
  std::optional<analysis::FreeProgram> free_;
};

class FindsPath final : public engine::Watch {
 public:
  explicit FindsPath(Simulated simulated) : simulated_(std::move(simulated)) {}
  Program& over(Program& simulated, const engine::LinkOrbits*) override { return path_.emplace(simulated_.of(simulated)); }
  engine::TimelineSink& sink() override { return *path_; }
  std::vector<analysis::OnPath> take() const { return path_->take(); }

 private:
  Simulated simulated_;
  std::optional<analysis::CriticalPath> path_;
};

struct Bins {
  double offset = 0, width = 0;
};

class ReadsPath final : public engine::Watch {
 public:
  ReadsPath(Simulated simulated, topology::Router& router, const analysis::LinkRoles& roles, std::span<const analysis::OnPath> path, Bins bins, analysis::LinksUsed& used)
      : simulated_(std::move(simulated)), router_(router), roles_(roles), path_(path), bins_(bins), used_(used) {}
  Program& over(Program& simulated, const engine::LinkOrbits* orbits) override {
    return reader_.emplace(simulated_.of(simulated), router_, orbits, roles_, path_, bins_.offset, bins_.width, used_);
  }
  engine::TimelineSink& sink() override { return *reader_; }
  void ended() override { steps_ = reader_->take(); }
  std::vector<analysis::StepFacts> take() { return std::move(steps_); }

 private:
  Simulated simulated_;
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
  explicit Frees(Simulated simulated) : simulated_(std::move(simulated)) {}
  Program& over(Program& simulated, const engine::LinkOrbits*) override { return simulated_.of(simulated); }
  engine::TimelineSink& sink() override { return nobody_; }

 private:
  class Nobody final : public engine::TimelineSink {
    bool wants_operations() const override { return false; }
  };
  Simulated simulated_;
  Nobody nobody_;
};

/// Of the cluster as it is, but for links that are free.
class FreedRouter {
 public:
  FreedRouter(const Played& p, const std::optional<Freeing>& freeing) : router_(p.cluster.fabric(), p.cluster.routing()) {
    if (!freeing) return;
    for (const LinkId l : freeing->what.links) router_.set_capacity(l, router_.capacity(l) * kInfinitelyFast);
  }
  topology::Router& operator*() { return router_; }

 private:
  topology::Router router_;
};

/// Of all programs, one after the other.
class Total {
 public:
  void add(Seconds makespan) {
    if (first_) outcome_.makespan = makespan;
    else outcome_.then.push_back(makespan);
    first_ = false, sum_ += makespan;
  }
  /// Times after the last that no operation has.
  std::vector<std::pair<std::string, Seconds>> beyond(const workloads::Case& c) const {
    return c.beyond ? c.beyond({&outcome_, 1}) : std::vector<std::pair<std::string, Seconds>>();
  }
  Seconds with_beyond(const workloads::Case& c) const {
    Seconds total = sum_;
    for (const auto& [name, time] : beyond(c)) total += time;
    return total;
  }

 private:
  Outcome outcome_;
  Seconds sum_;
  bool first_ = true;
};

}  // namespace

Walked walk(const Played& p, const analysis::LinkRoles& roles, std::size_t bins, std::size_t most, const std::optional<Freeing>& freeing, Count& count) {
  Walked out;
  Total total;
  std::vector<std::vector<analysis::OnPath>> paths;
  for (std::size_t i = 0; i < p.programs(); ++i) {
    FreedRouter router(p, freeing);
    const auto program = p.program(i);
    FindsPath finds(Simulated(freeing, i));
    const engine::Summary s = engine::run_watched(*router, *program, p.options, finds);
    out.usual.push_back(s.operations * (s.simulated_ranks > 0 ? s.ranks / s.simulated_ranks + 1 : 1));   // without what is freed it may not fold
    if (i == 0) out.first = s;
    total.add(s.makespan);
    paths.push_back(finds.take());
    count.one();
  }
  analysis::LinksUsed used;
  used.bytes.resize(p.cluster.fabric().links().size(), 0);
  used.by_role.assign(roles.count(), std::vector<double>(bins, 0));
  std::vector<analysis::StepFacts> steps;
  Bins place{0, total.with_beyond(p.c).value() / static_cast<double>(std::max<std::size_t>(1, bins))};
  for (std::size_t i = 0; i < p.programs(); ++i) {
    FreedRouter router(p, freeing);
    const auto program = p.program(i);
    ReadsPath reads(Simulated(freeing, i), *router, roles, paths[i], place, used);
    place.offset += engine::run_watched(*router, *program, p.options, reads).makespan.value();
    for (analysis::StepFacts& s : reads.take()) steps.push_back(std::move(s));
    count.one();
  }
  out.told = analysis::summarise(*FreedRouter(p, freeing), roles, std::move(steps), used, total.beyond(p.c), most);
  return out;
}

std::optional<Seconds> time_without(const Played& p, const Freeing& freeing, Count& count) {
  const std::optional<Freeing> given(freeing);
  Total total;
  std::optional<Seconds> out;
  try {
    for (std::size_t i = 0; i < p.programs(); ++i) {
      FreedRouter router(p, given);
      const auto program = p.program(i);
      Frees frees(Simulated(given, i));
      total.add(engine::run_watched(*router, *program, p.options, frees).makespan);
    }
    out = total.with_beyond(p.c);
  } catch (const analysis::GoesOnDifferently&) {
  }
  for (std::size_t i = 0; i < p.programs(); ++i) count.one();
  return out;
}

}  // namespace weft::scenarios
