// The JSON Schema of a scenario: keys of topologies, routing and workloads are asked of their readers, the frame is written here.
#pragma once

#include "sim/core/files.h"
#include "sim/core/json.h"

namespace weft::scenarios {

/// JSON Schema draft 2020-12. Each topology and workload reader is run on an empty object: the keys that it asks for
/// become properties, its defaults give their types, keys that it misses become required.
Json scenario_schema(const DataPlaces& data);

}  // namespace weft::scenarios
