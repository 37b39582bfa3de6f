// Running a program folded and in full, and comparing every operation.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "sim/engine/engine.h"
#include "tests/support/workload_runs.h"
#include "workloads/static_program.h"

namespace weft::testing {

struct Told final : engine::TimelineSink {
  std::vector<double> start, finish;
  std::size_t starts = 0, finishes = 0;
  bool in_order = true;   ///< of (time, id)
  bool in_time = true;
  engine::Summary summary;

  void started(OpId id, Seconds t) override { put(start, id, t), ++starts; }
  void finished(OpId id, Seconds t) override {
    in_time = in_time && t.value() >= last_time_;
    in_order = in_order && (t.value() > last_time_ || (t.value() == last_time_ && (finishes == 0 || id.value > last_id_)));
    last_time_ = t.value(), last_id_ = id.value;
    put(finish, id, t), ++finishes;
  }

 private:
  static void put(std::vector<double>& list, OpId id, Seconds t) {
    if (list.size() <= id.value) list.resize(id.value + 1, -1);
    list[id.value] = t.value();
  }
  double last_time_ = -1;
  std::uint32_t last_id_ = 0;
};

using MakeProgram = std::function<std::unique_ptr<workloads::Program>()>;

inline Told told(const topology::Fabric& fabric, const topology::RoutingSpec& routing, workloads::Program& program,
                 const engine::Options& options) {
  topology::Router router(fabric, routing);
  Told t;
  t.summary = engine::run(router, program, options, t);
  return t;
}

struct FoldedAndFull {
  Told folded, full;
  /// Largest difference of a start or finish, relative to the finish; infinite when an operation is missing.
  double deviation() const {
    if (folded.finish.size() != full.finish.size() || folded.start.size() != full.start.size()) return HUGE_VAL;
    if (folded.finishes != full.finishes || folded.starts != full.starts) return HUGE_VAL;
    double most = 0;
    for (std::size_t i = 0; i < full.finish.size(); ++i) {
      const double scale = std::max(full.finish[i], 1e-30);
      most = std::max({most, std::abs(folded.finish[i] - full.finish[i]) / scale, std::abs(folded.start[i] - full.start[i]) / scale});
    }
    return most;
  }
};

inline FoldedAndFull fold_and_full(const topology::Fabric& fabric, const MakeProgram& make, engine::Options options = {},
                                   const topology::RoutingSpec& routing = {}) {
  FoldedAndFull both;
  options.fold = true;
  both.folded = told(fabric, routing, *make(), options);
  options.fold = false;
  both.full = told(fabric, routing, *make(), options);
  return both;
}

/// The first case of a workload on this ground.
inline FoldedAndFull fold_and_full(const Ground& ground, const std::string& workload, const engine::Options& options = {}) {
  topology::Router asked(ground.fabric, ground.routing);
  const auto cases = workload_from(workload)->cases(ground.view(asked));
  return fold_and_full(ground.fabric, [&] { return cases.front().program(0); }, options, ground.routing);
}

}  // namespace weft::testing
