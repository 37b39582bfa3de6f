// Checkpoints: bytes of every node and replica, and times from the tightest resource.
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("a \"checkpoint\" is written in equal shares, along all chains, and read back from all replicas") {
  const auto cases = workload_from(R"({"kind": "checkpoint", "state": "12 GB"})")->cases(storage_view(4, 6, 4));
  const RecordingSink write = record(cases[0]);
  REQUIRE(write.transfers.size() == 4);
  const StorageBytes written = storage_bytes(write);
  CHECK(written.written.size() == 24);
  for (const auto& [ssd, bytes] : written.written)
    CHECK(bytes == doctest::Approx(3 * 12e9 / 24));  // 3 targets of each SSD, all chains alike
  RecordingSink read;
  cases[0].then.at(0).program(0)->start(read);
  for (const auto& [ssd, bytes] : storage_bytes(read).read) CHECK(bytes == doctest::Approx(12e9 / 24));
}

TEST_CASE("the state is what is kept of each parameter: 671e9 x 10 B = 6.71 TB") {
  const auto cases = workload_from(R"({"kind": "checkpoint", "parameters": 671e9})")->cases(storage_view(4, 6));
  CHECK(cases[0].labels.number("state_B") == 6.71e12);
}

TEST_CASE("evenly striped, a checkpoint takes its bytes over the tightest resource") {
  // Written: 3 nodes x 50 GB/s of NICs in, for three replicas: 50 GB/s; 100 GB in 2 s. Read: 8 clients x 25 GB/s against 150 GB/s: 0.667 s.
  const Ground ground = storage_ground(8, 3);
  const Row row = ground.run(R"({"kind": "checkpoint", "state": "100 GB", )" + ideal_access + "}").at(0);
  CHECK(row.number("write_s") == doctest::Approx(2).epsilon(0.02));
  CHECK(row.number("read_s") == doctest::Approx(100.0 / 150).epsilon(0.02));
  CHECK(std::get<std::string>(*row.find("write_bound_by")) == "storage NICs");
  CHECK(std::get<std::string>(*row.find("read_bound_by")) == "storage NICs");
}

TEST_CASE("either the state or the parameters, and not both") {
  CHECK_THROWS_WITH_AS(workload_from(R"({"kind": "checkpoint"})"), doctest::Contains(R"(either "state" or "parameters")"), UserError);
  CHECK_THROWS_WITH_AS(workload_from(R"({"kind": "checkpoint", "state": "1 GB", "parameters": 1e9})"), doctest::Contains("either"),
                       UserError);
}
