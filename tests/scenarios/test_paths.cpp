// paths: how MPFT and MRFT differ as graphs at 2,048 GPUs (N2.01-N2.04).
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

TEST_CASE("the planes of an MPFT are eight networks, an MRFT is one") {
  CHECK(cell_of(test::run(at_2048("mpft", "true")), "t/paths/components") == 8);
  CHECK(cell_of(test::run(at_2048("mrft", "true")), "t/paths/components") == 1);
}

TEST_CASE("one node has no pairs of nodes, and a network that reaches nobody has no mean path") {
  const std::string paths = R"({"kind": "paths"})";
  CHECK(test::error_of(test::minimal(R"("nodes": 1, "topology": {"kind": "mpft"})", paths)).find("/cluster/nodes") != std::string::npos);
  const auto r = test::run(test::minimal(R"("nodes": 2, "topology": {"kind": "single_switch"}, "node": "endpoint", "failed": ["node0.nic0"])", paths));
  CHECK(cell_of(r, "t/paths/unreachable_pct") == 100);
  CHECK(r.tables[0].rows[0].find("mean_switches") == nullptr);
}
