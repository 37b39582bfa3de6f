// What `weft sweep` and the commands on its points files share.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "sim/cli/app.h"

namespace weft::cli {

/// Adds `merge`, `status` and `pareto` to `weft sweep`.
void add_sweep_commands(CLI::App& sweep);

/// Throws UserError when the result would be written over a points file.
void keep_apart(const Common& common, const std::vector<std::string>& points_files);

/// Writes a sweep's listing and its notes; throws RunError that counts failed points, if any.
void tell_sweep(const reports::Listing& listing, const Common& common, const std::vector<std::string>& warnings, std::size_t failed, std::size_t points);

}  // namespace weft::cli
