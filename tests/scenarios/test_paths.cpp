// paths: how MPFT and MRFT differ as graphs at 2,048 GPUs (N2.01-N2.06).
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {
std::string at_2048(const std::string& kind, const std::string& pxn) {
  return test::minimal(R"("nodes": 256, "topology": {"kind": ")" + kind + R"("})", R"({"kind": "paths", "pxn": )" + pxn + "}");
}
}  // namespace

TEST_CASE("with PXN both fabrics have the same mean path (N2.03)") {
  // 31 of 255 other nodes share the leaf (1 switch), 224 do not (3 switches): (31 + 3 x 224) / 255 = 2.757.
  for (const char* kind : {"mpft", "mrft"}) {
    const auto r = test::run(at_2048(kind, "true"));
    CHECK(cell_of(r, "t/paths/mean_switches") == doctest::Approx(2.7569).epsilon(0.0004));
    CHECK(cell_of(r, "t/paths/unreachable_pct") == 0);
  }
}

TEST_CASE("without PXN seven of eight pairs have no path in an MPFT, and MRFT's mean path is 2.970 (N2.04)") {
  // MRFT: same rail 1/8 of pairs at 2.757, other rails always cross a spine: 2.757/8 + 3 x 7/8 = 2.9696.
  CHECK(cell_of(test::run(at_2048("mrft", "false")), "t/paths/mean_switches") == doctest::Approx(2.9696).epsilon(0.0004));
  const auto mpft = test::run(at_2048("mpft", "false"));
  CHECK(cell_of(mpft, "t/paths/unreachable_pct") == doctest::Approx(87.5));
  CHECK(cell_of(mpft, "t/paths/components") == 8);
}

TEST_CASE("node bisection is 51.2 TB/s on both, index bisection is zero on MPFT (N2.05, N2.06)") {
  const auto mpft = test::run(at_2048("mpft", "true")), mrft = test::run(at_2048("mrft", "true"));
  CHECK(cell_of(mpft, "t/paths/node_bisection_TBps") == doctest::Approx(51.2));
  CHECK(cell_of(mrft, "t/paths/node_bisection_TBps") == doctest::Approx(51.2));
  CHECK(cell_of(mpft, "t/paths/index_bisection_TBps") == 0);
  CHECK(cell_of(mrft, "t/paths/index_bisection_TBps") == doctest::Approx(51.2));
  CHECK(cell_of(mrft, "t/paths/components") == 1);
}
