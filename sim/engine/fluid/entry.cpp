// The fluid engine's entry in the list of engines.
#include "sim/engine/engines.h"

namespace weft::engine {

EngineKind fluid_engine() {
  return {"fluid", "Flows that share links max-min fairly",
          "Exact rates, solved anew only where a change can reach; flows and ranks that are alike are one variable. The default.", run};
}

}  // namespace weft::engine
