// CellPath: which cell of a report is meant, as "variant/workload[label=value,...]/column" says it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reports/report.h"

namespace weft::scenarios {

struct CellPath {
  std::string text;   ///< as it was written, for messages
  std::string variant, workload, column;
  std::vector<std::pair<std::string, std::string>> labels;
};

/// Throws UserError (no place) when the text is no such path. Nothing is looked up.
CellPath parse_cell_path(const std::string& text);

/// The cell that a path means; throws UserError (no place) that names what is missing, or that more than one row fits.
const Cell& cell_at(const reports::Report& report, const CellPath& path);

}  // namespace weft::scenarios
