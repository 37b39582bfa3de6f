// weft show model: parameters, cache and operations of a language model, and its ops in a phase.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "sim/cli/show_options.h"
#include "sim/core/files.h"

namespace weft::cli {

/// The options of `weft show model`.
const std::vector<ShowOptionDoc>& model_numbers();
const std::vector<ShowOptionDoc>& model_words();

/// A model by name or by the path of a config.json. With the option "phase" also the ops of its pieces. Throws UserError.
reports::Listing show_model(const DataPlaces& data, const std::string& name, const ShowOptions& options);

}  // namespace weft::cli
