// Stages of serving for tests: a unit's keys as a scenario says them.
#pragma once

#include <nlohmann/json.hpp>

#include "tests/support/recorded_program.h"
#include "workloads/inference/layer_setup.h"

namespace weft::testing {

/// Reads the keys of a stage; throws UserError with all problems.
inline workloads::inference::LayerSetup setup_from(const std::string& json, workloads::inference::Stage stage) {
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json(json, "test.json");
  Problems problems;
  JsonReader where(value, "test.json", problems, "/workload/0");
  const workloads::WorkloadContext context{&data, 1, shipped_times};
  workloads::Parameters p(where, context);
  auto setup = workloads::inference::read_layer_setup(p, context, stage);
  where.done();
  problems.throw_if_any();
  return std::move(*setup);
}

}  // namespace weft::testing
