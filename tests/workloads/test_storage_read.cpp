// Reads of chunks: bytes by replica, closed forms of what bounds them, and what chance costs.
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"
#include "workloads/storage/access.h"
#include "workloads/storage/closed_loop.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::string reads(const std::string& more) { return R"({"kind": "storage_read", )" + ideal_access + ", " + more + "}"; }

}  // namespace

TEST_CASE("a client keeps so many reads in flight, each of one chunk from one SSD") {
  const auto cases = workload_from(R"({"kind": "storage_read", "clients": 3, "read_size": "1 MiB", "in_flight": 8, "reads": 20})")
                         ->cases(storage_view(4, 6));
  REQUIRE(cases.size() == 1);
  const auto program = cases[0].program(0);
  RecordingSink sink;
  program->start(sink);
  REQUIRE(sink.transfers.size() == 3 * 8);
  for (std::uint32_t i = 0; i < sink.transfers.size(); ++i) {
    const RecordedTransfer& t = sink.transfers[i];
    // Its first reads are in flight as if it had been at it for long: of each another part is left.
    CHECK(t.what.bytes.value() == doctest::Approx((1 << 20) * (i % 8 + 1 - i / 8 / 3.0) / 8));
    REQUIRE(t.legs.size() == 1);
    CHECK(t.legs[0].from.kind == Endpoint::Kind::ssd);
    CHECK(t.legs[0].to == Endpoint{Endpoint::Kind::host, NodeId(i / 8), 0});
    CHECK(t.what.id == OpId(i / 8 * 20 + i % 8));
  }
  // When one is done the same client's next begins, until it has had all.
  for (std::uint32_t k = 8; k < 20; ++k) {
    program->on_complete(OpId(20 + k - 8), Seconds(1), sink);
    CHECK(sink.transfers.back().what.id == OpId(20 + k));
    CHECK(sink.transfers.back().what.bytes == Bytes(1 << 20));
    CHECK(sink.transfers.back().legs[0].to.node == NodeId(1));
  }
  const std::size_t before = sink.transfers.size();
  program->on_complete(OpId(39), Seconds(1), sink);
  CHECK(sink.transfers.size() == before);
}

TEST_CASE("reads of a striped file go to every replica of every chain in turn") {
  // 6 nodes x 4 SSDs, 3 targets each: 24 chains of 3. 72 reads meet each target once, 216 meet each SSD 9 times.
  const auto cases =
      workload_from(
          R"({"kind": "storage_read", "clients": 1, "read_size": "1 B", "in_flight": 216, "reads": 216, "pattern": "striped", "replica": "turn"})")
          ->cases(storage_view(1, 6));
  const StorageBytes bytes = storage_bytes(record(cases[0]));
  CHECK(bytes.read.size() == 24);
  for (const auto& [ssd, b] : bytes.read) CHECK(b == 9);
}

TEST_CASE("few clients are bound by their NICs: 25 GB/s each") {
  // 2 clients x 25 GB/s, against 8 storage nodes x 50 GB/s and 128 SSDs.
  const Row row = storage_ground(2, 8).run(reads(R"("in_flight": 64)")).at(0);
  CHECK(row.number("per_client_GiBps") == doctest::Approx(25e9 / (1 << 30)).epsilon(0.01));
  CHECK(row.number("client_nic_use_pct") == doctest::Approx(100).epsilon(0.01));
  CHECK(std::get<std::string>(*row.find("bound_by")) == "client NICs");
}

TEST_CASE("many clients are bound by the storage nodes' NICs: 50 GB/s a node, less what chance leaves idle") {
  const Ground ground = storage_ground(24, 3);
  const Row deep = ground.run(reads(R"("in_flight": 64, "reads": 256)")).at(0);
  CHECK(deep.number("per_storage_node_GiBps") < 1.01 * 50e9 / (1 << 30));
  CHECK(deep.number("per_storage_node_GiBps") > 0.97 * 50e9 / (1 << 30));
  CHECK(std::get<std::string>(*deep.find("bound_by")) == "storage NICs");
  // With a read each in flight there are N = 24 on M = 6 NICs that share their rate. Such a closed network has a product form whatever the sizes of the
  // reads: N / (N + M - 1) = 24 / 29 of the whole.
  const std::string quick = R"({"extends": "threefs_2025", "ssd_read": "100 GB/s"})";  // a read alone is limited by NICs only
  const Row shallow = storage_ground(24, 3, "200 Gbps", quick).run(reads(R"("in_flight": 1, "reads": 400)")).at(0);
  CHECK(shallow.number("storage_nic_use_pct") == doctest::Approx(100 * 24.0 / 29).epsilon(0.02));
}

TEST_CASE("slow SSDs bound what NICs could carry") {
  // 16 SSDs x 1 GB/s = 16 GB/s a node, under 50 GB/s of NICs.
  const std::string slow = R"({"extends": "threefs_2025", "ssd_read": "1 GB/s"})";
  const Row row = storage_ground(12, 3, "200 Gbps", slow).run(reads(R"("in_flight": 64)")).at(0);
  CHECK(row.number("limit_TiBps") == doctest::Approx(3 * 16e9 / (1ll << 40)));
  CHECK(row.number("ssd_use_pct") > 90);
  CHECK(std::get<std::string>(*row.find("bound_by")) == "SSDs");
}

TEST_CASE("a read alone takes its latency and its bytes over the slowest link: reads in flight bound the rate") {
  // 4 MiB / 6.2 GB/s (an SSD) = 676.5 us, and 1 ms before: one read in 1.6765 ms.
  const Row row =
      storage_ground(1, 3).run(R"({"kind": "storage_read", "kernel": "line_rate", "latency": "1 ms", "in_flight": 1, "reads": 20})").at(0);
  CHECK(row.number("request_ms") == doctest::Approx(1 + 4194304 / 6.2e6).epsilon(1e-6));
  CHECK(row.number("rate_TiBps") == doctest::Approx(4194304 / (1e-3 + 4194304 / 6.2e9) / (1ll << 40)).epsilon(1e-6));
  CHECK(std::get<std::string>(*row.find("bound_by")) == "requests in flight");
}

TEST_CASE("two layers of switches that do not block leave the NICs as the limit; where no limit is near, switches are named") {
  const Ground ground = storage_ground(16, 8, "200 Gbps", "threefs_2025", R"({"kind": "ft2", "radix": 16})");
  CHECK(ground.number(reads(R"("in_flight": 32)"), "rate_TiBps") >
        0.9 * 16 * 25e9 / (1ll << 40));  // 16 clients x 25 GB/s = 8 nodes x 50 GB/s
  const std::vector<workloads::storage::Limit> limits = {{"client NICs", BytesPerSecond(10e9)}, {"SSDs", BytesPerSecond(20e9)}};
  CHECK(workloads::storage::bound_by(limits, BytesPerSecond(8e9)) == "client NICs");
  CHECK(workloads::storage::bound_by(limits, BytesPerSecond(7e9)) == "switches");
}

TEST_CASE("readers in the background take their part, and are not counted") {
  // 6 clients of 400 Gbps could read 300 GB/s, and 3 storage nodes give 150: 2 more nodes that read 10 GB/s each leave 130.
  const Ground ground = storage_ground(8, 3, "400 Gbps");
  const double alone = ground.number(reads(R"("clients": 6, "in_flight": 32)"), "rate_TiBps");
  const double beside =
      ground.number(reads(R"("clients": 6, "in_flight": 32, "background_clients": 2, "background_rate": "10 GB/s")"), "rate_TiBps");
  CHECK(alone == doctest::Approx(150e9 / (1ll << 40)).epsilon(0.04));
  CHECK(beside == doctest::Approx(130e9 / (1ll << 40)).epsilon(0.04));
}

TEST_CASE("the same seed gives the same reads, and storage that is not there is refused") {
  const Ground ground = storage_ground(4, 3);
  const std::string job = R"({"kind": "storage_read", "in_flight": 4, "reads": 16})";
  CHECK(ground.number(job, "rate_TiBps", 3) == ground.number(job, "rate_TiBps", 3));
  CHECK(ground.number(job, "rate_TiBps", 3) != ground.number(job, "rate_TiBps", 4));
  CHECK_THROWS_WITH_AS(Ground(mpft, 2).run(job), doctest::Contains("the cluster has none"), UserError);
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "storage_read", "clients": 5})"), doctest::Contains("5 nodes asked for, the cluster has 4"),
                       UserError);
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "storage_read", "clients": 0})"), doctest::Contains("/workload/0/clients"), UserError);
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "storage_read", "replicas": 4, "targets_per_ssd": 4})"),
                       doctest::Contains("4 replicas need 4 storage nodes"), UserError);
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "storage_read", "reads": 16777216})"), doctest::Contains("too many to simulate"), UserError);
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "storage_read", "background_clients": 4})"), doctest::Contains("leave no node"), UserError);
}

TEST_CASE("the rate is no higher than the tightest limit, however few requests it is taken from") {
  // Clients' NICs are always busy: 25 GB/s a client. Requests that reach over the ends of the window must not count as whole ones.
  for (const int reads_of_each : {8, 9, 16, 17, 33, 64})
    for (const int clients : {1, 3}) {
      CAPTURE(reads_of_each);
      CAPTURE(clients);
      const Row row = storage_ground(std::uint32_t(clients), 6).run(reads(R"("in_flight": 8, "reads": )" + std::to_string(reads_of_each))).at(0);
      CHECK(row.number("rate_TiBps") <= row.number("limit_TiBps"));
      CHECK(row.number("client_nic_use_pct") <= 100);
      if (reads_of_each > 32) CHECK(row.number("client_nic_use_pct") > 95);
    }
}

TEST_CASE("bytes of a request that reaches over an end of the window count pro rata") {
  // One client, two requests of 100 B in flight, ten in all; each takes 2 s, and one begins at each second. From when the fifth begins (t = 4 s) until
  // three are left (the eighth begins, 7 s) six requests move 50 B/s each for part of the time: two at any moment, 100 B/s.
  workloads::storage::LoopShape shape;
  shape.clients = {{0, 2, 10, {}}};
  shape.size = Bytes(100);
  workloads::Outcome outcome;
  for (int k = 0; k < 10; ++k) {
    outcome.start.push_back(Seconds(k));
    outcome.finish.push_back(Seconds(k + 2));
  }
  outcome.makespan = Seconds(11);
  const auto rate = [&](double limit) { return workloads::storage::steady_rate(outcome, shape, 1, BytesPerSecond(limit)).rate.value(); };
  CHECK(rate(1e9) == doctest::Approx(100));
  CHECK(rate(99) == 99);
}

TEST_CASE("readers in the background that would need more requests than a whole number can count are refused, not wrapped") {
  // A client whose NIC carries 1 kB/s takes some 10^5 s, in which a neighbour of 10^18 B/s reads 10^18 chunks and more.
  CHECK_THROWS_WITH_AS(
      storage_ground(2, 3, "1 kB/s").run(reads(R"("clients": 1, "in_flight": 1, "reads": 8, "read_size": "1 MiB", "background_clients": 1, "background_rate": "1e18 B/s")")),
      doctest::Contains("too many to simulate"), UserError);
}
