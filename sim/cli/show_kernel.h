// weft show kernel: a family's fields and formulas; with a shape, how long it takes and why.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "sim/cli/catalogue.h"
#include "sim/cli/show_options.h"
#include "sim/core/files.h"

namespace weft::cli {

/// Whether the name is a kernel family (and no communication kernel of a simulated network).
bool is_kernel_family(const std::string& name);
std::vector<Entry> kernel_family_entries();

/// Every shape field of any family, each once.
std::vector<ShowOptionDoc> kernel_numbers();
/// --gpu, --variant, --calibration, --force.
std::vector<ShowOptionDoc> kernel_words();

/// Without a shape: fields, variants, formulas. With one: demands, the formula with its numbers, and the time by each cost model.
reports::Listing show_kernel_family(const DataPlaces& data, const std::string& name, const ShowOptions& options);

std::vector<Entry> calibration_entries(const DataPlaces& data);
/// What a calibration holds and how wrong it is; `name` may be a path.
reports::Listing show_calibration(const DataPlaces& data, const std::string& name);

}  // namespace weft::cli
