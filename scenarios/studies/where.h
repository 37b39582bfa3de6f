// --where: keeps the rows of a sweep for which a condition is true.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "sim/core/expression.h"

namespace weft::scenarios {

/// Throws UserError with the nearest columns for a name that no table of results has; names in `allowed` are let pass.
void check_columns(const Expression& where, const reports::Listing& listing, const std::vector<std::string>& allowed = {});

/// Takes out of the tables of results every row for which `where` is not true; points that failed stay. A name is a column of the row itself, else of the
/// row beside it in another table: of the same point and variant, with the same labels where both have them (`table.column`: of that table; see Designs::beside). Where
/// there are several with different values, or none, the name has no value, and a row whose condition hangs on it goes. Returns sentences about such rows.
/// Throws UserError as check_columns() and Expression::holds().
std::vector<std::string> keep_where(reports::Listing& listing, const Expression& where);

}  // namespace weft::scenarios
