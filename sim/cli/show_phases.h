// weft show model --phase train, prefill or decode with --gpu: how long the phases take, and their kernels.
#pragma once

#include "models/llm/llm.h"
#include "models/llm/ops.h"
#include "reports/report.h"
#include "sim/cli/show_options.h"
#include "sim/core/files.h"

namespace weft::cli {

/// Tables "phases" and "phase_kernels" are added, with the constants behind them. Throws UserError.
void add_phases(reports::Listing& out, const DataPlaces& data, const models::Llm& m, const models::OpRequest& request, const ShowOptions& options);

}  // namespace weft::cli
