// Running training steps in tests: a step on a small cluster, with all that is recorded of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/support/workload_runs.h"
#include "tests/workloads/training_steps.h"
#include "workloads/training/gradient_sync.h"
#include "workloads/training/step_results.h"

namespace weft::workloads::training::test {

/// A step on a cluster.
inline PreparedStep prepared(const StepSetup& setup, const testing::Ground& ground) {
  topology::Router asked(ground.fabric, ground.routing);
  return prepare_step(setup, ground.view(asked));
}

enum class As { it_comes, whole, markers };

/// What became of a step.
struct Ran {
  StepRecord record;
  Seconds pipeline;
  engine::Summary summary;
};

inline engine::Options in_full() {
  engine::Options o;
  o.fold = o.classes = false;
  return o;
}

inline Ran ran(const testing::Ground& ground, const PreparedStep& step, const engine::Options& options = {}, As as = As::it_comes) {
  const auto record = std::make_shared<StepRecord>(step.job->plan);
  std::unique_ptr<Program> program = std::make_unique<StepProgram>(step.job, record);
  if (as == As::whole) program = std::make_unique<Whole>(std::move(program));
  if (as == As::markers) program = std::make_unique<ByMarkers>(std::move(program));
  topology::Router router(ground.fabric, ground.routing);
  testing::Unheard nobody;
  const engine::Summary s = engine::run(router, *program, options, nobody);
  return {*record, s.makespan, s};
}

inline Ran ran(const testing::Ground& ground, const StepSetup& setup, const engine::Options& options = {}, As as = As::it_comes) {
  return ran(ground, prepared(setup, ground), options, as);
}

/// Largest difference of anything recorded, in parts of the pipeline's time; infinite when it is not of the same spans.
inline double difference(const Ran& a, const Ran& b) {
  double most = std::abs(a.pipeline.value() - b.pipeline.value());
  const auto compare = [&](const std::vector<Span>& x, const std::vector<Span>& y) {
    if (x.size() != y.size()) most = HUGE_VAL;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) most = std::max({most, std::abs(x[i].begin - y[i].begin), std::abs(x[i].end - y[i].end)});
  };
  for (std::size_t r = 0; r < a.record.ranks.size(); ++r) {
    const StepRecord::Rank &x = a.record.ranks[r], &y = b.record.ranks[r];
    compare(x.cells, y.cells);
    compare(x.computing, y.computing);
    compare(x.exchanging, y.exchanging);
    compare(x.reducing, y.reducing);
    for (std::size_t i = 0; i < x.weighing.size(); ++i) most = std::max(most, std::abs(x.weighing[i] - y.weighing[i]));
  }
  return most / b.pipeline.value();
}

}  // namespace weft::workloads::training::test
