// What the tests of replays share: a trace is replayed on the usual cluster, or by a plain walk over its dependencies.
#pragma once

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "models/calibration/readers/trace_facts.h"
#include "scenarios/replay/replay.h"
#include "tests/scenarios/support.h"

namespace weft::scenarios::test {

/// A trace, ready to be replayed.
struct Bench {
  explicit Bench(const models::Trace& trace)
      : recording(workloads::replay::recording_of(trace, data())),
        dependencies(workloads::replay::dependencies_of(recording)),
        recorded_on(cluster(replay::usual_cluster(recording))) {}

  static std::unique_ptr<Cluster> cluster(const Json& json) {
    Problems problems;
    auto c = Cluster::read(JsonReader(json, "test", problems), data(), 1);
    problems.throw_if_any();
    return c;
  }

  replay::Replay play(const replay::WhatIf& what = {}, const Cluster* now = nullptr) const {
    const KernelTimes kernels(data(), {});
    const replay::KernelModels models = replay::kernel_models(
        recording, what, data(),
        [&](const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) { return kernels.model(gpu, choice, place); });
    return replay::replay(recording, dependencies, what, {recorded_on.get(), now == nullptr ? recorded_on.get() : now}, models, data(),
                          RunOptions{});
  }

  /// Starts by recursion, without an engine: start = max(end of what it waits for + lag, launch + latency); launch = max(launch before it +
  /// gap, end of what the CPU waits for + lag).
  std::vector<double> starts_us(const std::vector<double>& durations) const {
    std::vector<double> start(recording.ops.size(), -1), launch(start.size(), -1);
    std::size_t launched = 0;
    double last = 0;
    const auto launch_next = [&] {
      const auto& l = dependencies.launches[launched];
      double at = launched == 0 ? 0 : last + l.gap_us;
      if (l.waits) at = std::max(at, start[l.waits->on] + durations[l.waits->on] + l.waits->lag_us);
      launch[l.op] = last = at;
      ++launched;
    };
    for (std::size_t op = 0; op < start.size(); ++op) {
      double at = 0;
      if (dependencies.latency_us[op] >= 0) {
        while (launch[op] < 0) launch_next();
        at = launch[op] + dependencies.latency_us[op];
      }
      for (const auto& d : dependencies.of[op]) at = std::max(at, start[d.on] + durations[d.on] + std::max(d.lag_us, -durations[d.on]));
      start[op] = at;
    }
    return start;
  }

  workloads::replay::Recording recording;
  workloads::replay::Dependencies dependencies;
  std::unique_ptr<Cluster> recorded_on;
};

inline models::Trace deepseek() { return models::find_trace("deepseek_v3_train", data(), ""); }

}  // namespace weft::scenarios::test
