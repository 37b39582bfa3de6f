#include <doctest/doctest.h>

#include "tests/support/recorded_program.h"
#include "workloads/static_program.h"

using namespace weft;
using namespace weft::workloads;

TEST_CASE("a static program emits what it recorded, in order, each time that it is started") {
  StaticProgram p;
  StaticProgram::TransferOptions options;
  options.kernel = p.add_kernel({"k", BytesPerSecond(44e9), std::nullopt});
  options.weight = 2;
  options.flow_key = 7;
  const Leg legs[] = {{gpu_end({NodeId(0), 0}), gpu_end({NodeId(0), 1}), 0.5},
                      {gpu_end({NodeId(0), 1}), gpu_end({NodeId(1), 1}), 1}};
  const OpId a = p.add_transfer(Bytes(100), legs, options);
  const OpId b = p.add_compute(StreamId(3), Seconds(1e-3), 20, std::span(&a, 1));
  const OpId both[] = {a, b};
  const OpId c = p.add_marker(Seconds(2e-6), both);
  CHECK(p.size() == 3);
  for (int round = 0; round < 2; ++round) {
    testing::RecordingSink sink;
    p.start(sink);
    REQUIRE(sink.transfers.size() == 1);
    CHECK(sink.transfers[0].what.id == a);
    CHECK(sink.transfers[0].what.bytes == Bytes(100));
    CHECK(sink.transfers[0].what.weight == 2);
    CHECK(sink.transfers[0].what.flow_key == 7);
    CHECK(sink.transfers[0].legs.size() == 2);
    CHECK(sink.transfers[0].legs[0].share == 0.5);
    REQUIRE(sink.computes.size() == 1);
    CHECK(sink.computes[0].stream == StreamId(3));
    CHECK(sink.markers == std::vector<OpId>{c});
  }
  CHECK(p.kernels().size() == 1);
}
