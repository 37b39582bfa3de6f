// `weft list failures` and `weft show failures NAME`: published failure rates, and what jobs do about failures.
#pragma once

#include "sim/cli/catalogue.h"

namespace weft::cli {

std::vector<Entry> failure_entries(const DataPlaces& data);
/// Rates as they are counted and of one part an hour, with what is published beside them; or the times of a recovery.
reports::Listing show_failures(const DataPlaces& data, const std::string& name);

}  // namespace weft::cli
