// Watching a run: what the fluid engine really simulates, operation by operation.
#pragma once

#include "sim/engine/engine.h"
#include "sim/engine/fluid/paths.h"

namespace weft::engine {

/// Where ranks are folded, the operations of the simulated ranks alone are seen, each with the bytes, weight and rate cap of all that it
/// stands for, on links that stand for their orbit.
class Watch {
 public:
  virtual ~Watch() = default;
  /// The program to play in place of `simulated`; `orbits` is null when nothing is folded. Both live until ended() has returned.
  virtual workloads::Program& over(workloads::Program& simulated, const LinkOrbits* orbits) = 0;
  /// Hears of what is simulated.
  virtual TimelineSink& sink() = 0;
  /// The run is over.
  virtual void ended() {}
};

/// As run(), in one piece: a program that comes in parts is played whole.
Summary run_watched(topology::Router& router, workloads::Program& program, const Options& options, Watch& watch);

}  // namespace weft::engine
