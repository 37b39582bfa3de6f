// The Pareto front of a sweep: designs that no other beats in two columns at once.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"

namespace weft::scenarios {

/// A column and which end of it is better.
struct Goal {
  std::string column;   ///< "price_MUSD" or "price.price_MUSD"
  bool most = false;    ///< more is better
};

/// "COLUMN", "min:COLUMN" or "max:COLUMN". Throws UserError (place: `option`) when nothing is named, and where without a prefix the longest time or the
/// highest price would count as best, or the lowest rate.
Goal parse_goal(const std::string& text, bool most, const std::string& option);

struct ParetoGoals {
  Goal x, y;
};

/// "X,Y": less of X and more of Y is better unless min: or max: says otherwise. Throws UserError.
ParetoGoals parse_pareto(const std::string& text, const std::string& option);

/// As check_columns() of --where: throws UserError for a column that no table of results has and that is not among `allowed`, and for one of several tables.
void check_goals(const ParetoGoals& goals, const reports::Listing& listing, const std::vector<std::string>& allowed = {});

/// The table "pareto" of a sweep's listing: labels, both columns, and `on_front`; the best x first, then the best y, then in the order of the grid. A
/// candidate is a row with both columns or, when they stand in different tables, a pair of rows of one point and variant whose common labels agree; the
/// columns are then called table.column. Where rows of one design differ in labels that are no part of it (sizes), the title says that they compete. On the front is what no candidate beats: better in one and no worse in the other; equals stay together.
/// `all`: those beside the front, too. Throws UserError: no such column (the nearest are listed), a column of several tables, one that is no number.
reports::Table pareto_table(const reports::Listing& listing, const ParetoGoals& goals, bool all = false);

}  // namespace weft::scenarios
