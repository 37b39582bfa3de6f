// The SimGrid engine's entry in the list of engines.
#include "sim/engine/engines.h"
#include "sim/engine/simgrid/simgrid.h"

namespace weft::engine {

EngineKind simgrid_engine() {
  return {"simgrid", "The same program on SimGrid",
          "Slow and independent: what the other engines are checked against. Plain flows alone; needs the package libsimgrid-dev.",
          [](topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink) {
            return run_simgrid(router, program, options, sink);
          },
          false, true};
}

}  // namespace weft::engine
