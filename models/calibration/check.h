// Holding a calibration against measurements that it may not have seen.
#pragma once

#include <string>
#include <vector>

#include "models/calibration/measurement.h"
#include "models/cost_model.h"

namespace weft::models {

struct FamilyCheck {
  std::string family;                ///< "gemm/fp8_block"
  ErrorStatistics errors;
  std::size_t outside = 0;           ///< rows beyond what was measured
  Fidelity fidelity = Fidelity::roofline;
};

/// One a family and variant of the data, in order of first appearance, then nothing else. Rows that the calibration knows no entry for are
/// predicted by the roofline and counted under it.
std::vector<FamilyCheck> check_calibration(const CostModel& model, const std::vector<Measurement>& rows);

}  // namespace weft::models
