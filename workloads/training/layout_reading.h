// Reading a Layout from the keys of a workload.
#pragma once

#include <vector>

#include "sim/core/row.h"
#include "workloads/parameters.h"
#include "workloads/training/layout.h"

namespace weft::workloads::training {

/// What the schedule says of the pipeline.
struct PipelineShape {
  Arrangement arrangement = Arrangement::straight;
  std::uint32_t stages_per_rank = 1;   ///< looped alone
};

/// Reads the keys of layout_parameter_docs(); problems are recorded at their keys, everything used is resolved. dp and the batch are
/// completed once the number of GPUs is known (`complete`).
Layout read_layout(Parameters& p, const models::Llm& m, const PipelineShape& shape);
std::vector<ColumnDoc> layout_parameter_docs();
/// Writes dp, micro_batches and global_batch of a completed layout into the resolved parameters.
void resolve_completed(Parameters& p, const Layout& l);

}  // namespace weft::workloads::training
