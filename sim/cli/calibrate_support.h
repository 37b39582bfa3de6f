// What the subcommands of `weft calibrate` share: reading measurements and finding their GPU.
#pragma once

#include <string>
#include <vector>

#include "models/calibration/measurement.h"
#include "models/gpu.h"
#include "sim/cli/app.h"

namespace weft::cli {

/// All files as one; notes are told on stderr, and rows without a device beside rows with one. Throws UserError, for rows of several devices too.
models::Measurements read_all_measurements(const std::vector<std::string>& files, const Common& common);

/// The GPU that the rows were measured on: `named` when given, else by the device that they name. Throws UserError when they name none,
/// several, or one that weft does not know; and when `named` is another GPU than theirs, unless `force` (then `contradicted` is set).
models::Gpu gpu_of(const models::Measurements& data, const std::string& named, const DataPlaces& places, bool force, bool* contradicted);

/// The one device that the rows name; empty when they name none.
std::string device_of(const models::Measurements& data);

}  // namespace weft::cli
