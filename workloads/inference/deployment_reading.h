// Reading a Deployment from the keys of a workload.
#pragma once

#include <vector>

#include "models/llm/llm.h"
#include "sim/core/row.h"
#include "workloads/inference/deployment.h"
#include "workloads/parameters.h"

namespace weft::workloads::inference {

/// Reads the keys of deployment_parameter_docs(stage); problems (`validate` too) are recorded at their keys, everything used is resolved.
/// Defaults: DeepSeek's production units for models with experts, one GPU for dense ones.
Deployment read_deployment(Parameters& p, const models::Llm& model, Stage stage);
std::vector<ColumnDoc> deployment_parameter_docs(Stage stage);

}  // namespace weft::workloads::inference
