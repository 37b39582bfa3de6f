// Writes along chains: bytes of each replica, and what replication costs.
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("a \"storage_write\" goes from the client to the head, and from each storage node's memory to the next SSD") {
  const auto cases =
      workload_from(R"({"kind": "storage_write", "clients": 2, "write_size": "4 MiB", "in_flight": 16, "writes": 16})")->cases(storage_view(2, 5, 3));
  const RecordingSink sink = record(cases[0]);
  REQUIRE(sink.transfers.size() == 32);
  for (const RecordedTransfer& t : sink.transfers) {
    REQUIRE(t.legs.size() == 3);
    CHECK(t.legs[0].from.kind == Endpoint::Kind::host);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(t.legs[i].to.kind == Endpoint::Kind::ssd);
      CHECK(t.legs[i].share == 1);
      if (i == 0) continue;
      CHECK(t.legs[i].from.kind == Endpoint::Kind::storage_host);
      CHECK(t.legs[i].from.node == t.legs[i - 1].to.node);
      CHECK(t.legs[i].from.node != t.legs[i].to.node);
    }
  }
  // Every byte is written three times and forwarded twice.
  const StorageBytes b = storage_bytes(sink);
  double written = 0, forwarded = 0;
  for (const auto& [ssd, bytes] : b.written) written += bytes;
  for (const auto& [node, bytes] : b.forwarded) forwarded += bytes;
  CHECK(written == 3.0 * 32 * (4 << 20));
  CHECK(forwarded == 2.0 * 32 * (4 << 20));
}

TEST_CASE("three replicas take three times the storage NICs: a third of what is read comes through") {
  // 3 nodes x 50 GB/s in, each byte goes into three of them: 50 GB/s of clients' bytes; their SSDs take 3 x 16 x 4 / 3 = 64 GB/s.
  const std::string job = R"({"kind": "storage_write", "kernel": "line_rate", "latency": "0 s", "in_flight": 32, "writes": 128)";
  const Ground ground = storage_ground(12, 3);
  const Row three = ground.run(job + "}").at(0);
  CHECK(three.number("limit_TiBps") == doctest::Approx(50e9 / (1ll << 40)));
  CHECK(std::get<std::string>(*three.find("bound_by")) == "storage NICs");
  CHECK(three.number("rate_TiBps") > 0.9 * 50e9 / (1ll << 40));
  CHECK(three.number("rate_TiBps") < 1.01 * 50e9 / (1ll << 40));
  // A single copy: 3 x 50 GB/s of NICs, 3 x 64 GB/s of SSDs.
  const Row one = ground.run(job + R"(, "replicas": 1})").at(0);
  CHECK(one.number("limit_TiBps") == doctest::Approx(150e9 / (1ll << 40)));
}

TEST_CASE("a write alone is as slow as its slowest stretch, an SSD that takes 4 GB/s") {
  const Row row =
      storage_ground(1, 3).run(R"({"kind": "storage_write", "kernel": "line_rate", "latency": "0 s", "in_flight": 1, "writes": 8})").at(0);
  CHECK(row.number("request_ms") == doctest::Approx(4194304 / 4e6).epsilon(1e-6));
}

TEST_CASE("writes to fewer storage nodes than replicas are refused") {
  CHECK_THROWS_WITH_AS(storage_ground(2, 2).run(R"({"kind": "storage_write"})"), doctest::Contains("3 replicas need 3 storage nodes"),
                       UserError);
  CHECK_THROWS_WITH_AS(storage_ground(2, 3).run(R"({"kind": "storage_write", "writes": 1})"), doctest::Contains("/workload/0/writes"),
                       UserError);
}
