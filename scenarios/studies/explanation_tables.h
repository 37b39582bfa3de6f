// Explanations as tables for `weft explain`.
#pragma once

#include "reports/report.h"
#include "scenarios/studies/explain.h"

namespace weft::scenarios {

/// Tables "phases", "resources", "communication", "links", "operations", and with `path` "path". Times are of the whole case.
reports::Listing explanation_tables(const ExplainedCase& e, bool path);

/// A row for each analysis whose name has `of` in it: what gives its answer, and why it is what it is where that is known. Throws UserError where there is none.
reports::Listing explained_analyses(const Explainer& explainer, const std::string& of, const ExplainOptions& options);

/// A row for each simulated case, without trying what it would take without. Where nothing is simulated, explained_analyses().
reports::Listing explained_overview(const Explainer& explainer, ExplainOptions options);

}  // namespace weft::scenarios
