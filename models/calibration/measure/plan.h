// A Plan: which kernels at which shapes are measured, in order; from a plan file or a table of shapes.
#pragma once

#include <string>
#include <vector>

#include "models/calibration/measure/backend.h"
#include "sim/core/files.h"
#include "sim/core/json.h"

namespace weft::models {

struct PlannedKernel {
  MeasuredKernel kernel;
  std::vector<double> at;   ///< by kernel.fields
};

struct Plan {
  std::vector<PlannedKernel> kernels;   ///< each once
};

/// "gemm/fp8_block m=128 n=7168 k=16384 sms=0": names a kernel and its shape; the same text is the same work.
std::string to_text(const PlannedKernel& k);

/// {"kernels": [{"family", "variants", "shapes": {"m": [64, 128], "n k": [[2112, 7168]]}}]}: every combination of the lists, a key
/// of several words gives several fields at once. Problems go to the reader; kernels that the backend lacks are one.
Plan read_plan(JsonReader where, const std::vector<MeasuredKernel>& kernels);

/// The plan of a name in models/data/measure_plans, or of a file (anything with a slash or ending in .json).
Plan plan_named(const std::string& name, const DataPlaces& data, const std::vector<MeasuredKernel>& kernels);

/// Columns family, variant (may be missing: the family's first) and the fields of the families; fields that a row leaves empty
/// take their fallback. Throws UserError with file and line; a table without a row is one.
Plan plan_from_csv(const std::string& path, const std::vector<MeasuredKernel>& kernels);

/// What of the plan is of the families "gemm" or kernels "gemm/bfloat16" in `names`; all when empty. Throws UserError (--families)
/// for names that no kernel has.
Plan only(Plan plan, const std::vector<std::string>& names, const std::vector<MeasuredKernel>& kernels);

}  // namespace weft::models
