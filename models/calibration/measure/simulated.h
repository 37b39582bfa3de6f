// The simulated module: kernels whose times follow known parameters, with noise and outliers, behind the same C ABI.
#pragma once

#include "models/calibration/measure/abi.h"

namespace weft::models {

/// Parameters as "name=value,name=value": see models/calibration/README.md. Deterministic: time depends on parameters, kernel,
/// shape and number of the run alone.
const weft_measure_module& simulated_module();

}  // namespace weft::models
