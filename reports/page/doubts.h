// What a reader has to doubt in a result, in sentences; the gravest first.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reports/page/page.h"

namespace weft::reports {

/// How the expected values of a report came out. Those that nobody can compute are in none of the numbers.
struct Verdict {
  std::size_t all = 0, met = 0, missed = 0, known = 0;   ///< missed: for no known reason
};
Verdict verdict_of(const Report& report);

/// At least one sentence. What sensitivities on the page say of assumed inputs is among them.
std::vector<std::string> doubts_of(const PagePart& part, const WebPage& page);

}  // namespace weft::reports
