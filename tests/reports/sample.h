// A small report that the tests of this room render and compare.
#pragma once

#include "reports/report.h"

namespace weft::reports {

/// Two variants of an all-to-all on two sizes; MRFT is one tenth slower on the larger.
Report sample_report();

}  // namespace weft::reports
