// The facts of DeepSeek's trace that weft keeps are those of the published file.
#include <doctest/doctest.h>

#include "models/calibration/readers/trace_facts.h"
#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

TEST_CASE("the kept facts of DeepSeek's training trace are those of the published trace, kernel by kernel") {
  const DataPlaces data = DataPlaces::standard();
  const Trace kept = find_trace("deepseek_v3_train", data, ""), published = find_trace(reference_file("data/train.json"), data, "");
  REQUIRE(kept.kernels.size() == published.kernels.size());
  CHECK(kept.kernels.size() == 983);  // profile_train_summary.json: 963 kernels, 12 sets, 8 copies
  CHECK(kept.calls.size() == published.calls.size());
  CHECK(kept.phases == published.phases);
  // Same text once both are written down: times then count from the earliest.
  const TraceOrigin origin{"t", "s"};
  CHECK(trace_facts(kept, origin) == trace_facts(published, origin));
}
