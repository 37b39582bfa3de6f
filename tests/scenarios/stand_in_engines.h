// Engines that lie, for tests of what has to notice: the fluid engine's run, told otherwise.
#pragma once

#include <functional>
#include <string>

#include "sim/engine/engines.h"

namespace weft::scenarios::test {

/// Says when something happened instead of `t`.
using Retell = std::function<double(OpId, bool finish, double t)>;

class RetellingSink final : public engine::TimelineSink {
 public:
  RetellingSink(engine::TimelineSink& to, const Retell& retell) : to_(to), retell_(retell) {}
  bool wants_operations() const override { return to_.wants_operations(); }
  void started(OpId id, Seconds t) override { to_.started(id, Seconds(retell_(id, false, t.value()))); }
  void finished(OpId id, Seconds t) override { to_.finished(id, Seconds(retell_(id, true, t.value()))); }
  void first_rate(OpId id, std::uint32_t flow, BytesPerSecond r) override { to_.first_rate(id, flow, r); }

 private:
  engine::TimelineSink& to_;
  Retell retell_;
};

/// The makespan is told times `makespan`.
inline engine::EngineKind stand_in(const std::string& name, Retell retell, double makespan = 1) {
  engine::EngineKind e;
  e.name = name;
  e.run = [=](topology::Router& router, workloads::Program& program, const engine::Options& options, engine::TimelineSink& sink) {
    RetellingSink told(sink, retell);
    engine::Summary s = engine::run(router, program, options, told);
    s.makespan *= makespan;
    return s;
  };
  return e;
}

}  // namespace weft::scenarios::test
