// run_simgrid(): executes a Program on SimGrid, in a process of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim/engine/engine.h"

namespace weft::engine {

/// What a run cost. CPU time and memory are those of its process.
struct SimgridUse {
  double cpu_s = 0;          ///< of all: program, lowering, SimGrid, telling
  double simgrid_cpu_s = 0;  ///< inside SimGrid alone
  std::int64_t peak_bytes = 0;   ///< resident; what the parent had at the fork included
};

struct SimgridOptions {
  bool selective_update = false;   ///< SimGrid's default, which over-subscribes links: for showing that it does
  SimgridUse* use = nullptr;
};

/// As run(); docs and limits in README.md beside this. The program is played in a child: what it changes of itself, and what
/// the run changes of the router, is not seen here. Threads, classes, folding and time tolerance do not apply.
/// Throws NotPossibleHere without the module or its library, UserError for what SimGrid cannot express, RunError when the
/// child dies.
Summary run_simgrid(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink);
Summary run_simgrid(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink,
                    const SimgridOptions& more);

/// The module's path: in $WEFT_MODULES, in the build folder or in the installed prefix of this program; empty without it.
std::string simgrid_module();

/// Loads the module here, so that many runs need not load it each. Null where that is not possible.
std::shared_ptr<void> load_simgrid();

}  // namespace weft::engine
