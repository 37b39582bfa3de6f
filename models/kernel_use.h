// What workloads that need kernel times share: the choice that they may make of a cost model, and what a reader is told of the one used.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/cost_model.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"

namespace weft::models {

/// What one workload wants beyond the run's options.
struct KernelChoice {
  std::optional<Fidelity> cost_model;
  std::vector<std::string> calibrations;   ///< before those of the run
};

/// "cost_model" and "calibration" (a name, a path or a list of them), both optional.
KernelChoice read_kernel_choice(JsonReader& where);

/// Gives the cost model of a GPU as the run and the workload choose it. Throws UserError at `place`.
using CostModelSource = std::function<std::shared_ptr<const CostModel>(const Gpu& gpu, const KernelChoice& choice, const std::string& place)>;

/// Every calibration that answers for one of the calls: "calibration h800: gemm/fp8_block", its formula and parameters.
std::vector<ConstantUsed> constants_of(const CostModel& model, const std::vector<KernelCall>& calls);

/// What a reader should be warned of: families that no calibration has, and shapes beyond what was measured.
std::vector<std::string> warnings_on(const CostModel& model, const std::vector<KernelCall>& calls);

}  // namespace weft::models
