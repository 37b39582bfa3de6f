// What holds of every pair of a folded and a full run.
#pragma once

#include <doctest/doctest.h>

#include "tests/engine/play.h"
#include "tests/support/fold_runs.h"

namespace weft::testing {

/// How many ranks were simulated, zero when none was folded, after every operation of both runs has been found equal.
inline std::uint32_t simulated(const FoldedAndFull& both) {
  const engine::Summary &folded = both.folded.summary, &full = both.full.summary;
  CHECK(both.deviation() < 1e-9);
  CHECK(both.folded.in_time);
  CHECK((both.folded.in_order || !both.full.in_order));   // what takes no time may follow, at one time, an operation of a larger id
  CHECK(folded.operations == full.operations);
  CHECK(folded.flows == full.flows);
  CHECK(folded.max_link_utilisation == doctest::Approx(full.max_link_utilisation).epsilon(1e-9));
  CHECK(full.ranks == 0);
  return folded.ranks == 0 ? 0 : folded.simulated_ranks;
}

}  // namespace weft::testing
