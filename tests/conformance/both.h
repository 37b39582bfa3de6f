// One program on several engines, operation by operation: fluid with and without classes, SimGrid, and the closed form below.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/engine/engine.h"
#include "tests/support/fabrics.h"
#include "workloads/program.h"

namespace weft::testing {

/// A fabric with a way to route over it.
struct Ground {
  std::string name;
  topology::Fabric fabric;
  topology::RoutingSpec routing;

  std::uint32_t nodes() const { return fabric.placement().nodes(); }
  std::uint32_t gpus_per_node() const { return fabric.placement().gpus_per_node(); }
  std::uint32_t gpus() const { return fabric.placement().ranks(); }
  bool one_switch() const { return fabric.count().switches == 1; }
};

/// Grounds of all kinds of topology, small; each flow of theirs loads its links as all others do, as SimGrid needs it.
const std::vector<Ground>& grounds();

struct Case {
  std::string name;
  const Ground* ground = nullptr;
  std::function<std::unique_ptr<workloads::Program>()> program;   ///< a fresh one for each engine
  std::vector<engine::FabricEvent> events;
};

/// When every operation started and finished; negative: never.
struct Times final : engine::TimelineSink {
  std::vector<double> start, finish;
  engine::Summary summary;
  bool in_order = true;   ///< no finish was told after a later one

  void started(OpId id, Seconds t) override { put(start, id, t); }
  void finished(OpId id, Seconds t) override;

 private:
  static void put(std::vector<double>& into, OpId id, Seconds t);
  double last_time_ = 0;
};

struct Verdict {
  double worst = 0;              ///< largest relative deviation between any two engines that have to agree
  std::string where;             ///< of that
  std::vector<std::string> wrong;
  std::uint64_t operations = 0;
};

/// Plays the case on all engines. Deviations above 1e-9, operations that some engine has not told, and finishes before the
/// closed form's are `wrong`.
Verdict compare(const Case& c);

/// Ends the program with 77 (skipped) where there is no SimGrid; else keeps it loaded, so that each run need not load it.
void need_simgrid();

}  // namespace weft::testing
