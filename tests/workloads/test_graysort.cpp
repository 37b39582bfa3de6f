// GraySort: bytes of each phase, and closed forms of its time.
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::string sort_of(const std::string& more) {
  return R"({"kind": "graysort", "records": "1 TB", "partitions": 96, "cores": 16, "cores_per_task": 4, "partition_rate": "1 GB/s", "sort_rate": "500 MB/s", )" +
         ideal_access + more + "}";
}

}  // namespace

TEST_CASE("each phase of \"graysort\" reads all records once and writes them with every replica") {
  const auto cases = workload_from(sort_of(""))->cases(storage_view(4, 6, 4));
  const double read[] = {1.2e12, 1.18e12}, written[] = {3 * 1.2e12, 3 * 1e12};
  for (std::size_t phase = 0; phase < 2; ++phase) {
    RecordingSink sink;
    (phase == 0 ? cases[0].program(0) : cases[0].then.at(0).program(0))->start(sink);
    // 96 tasks on 4 nodes, 4 at a time: 6 waves of a read, a computation and a write each.
    CHECK(sink.transfers.size() == 4 * 6 * 2);
    CHECK(sink.computes.size() == 4 * 6);
    const StorageBytes b = storage_bytes(sink);
    double in = 0, out = 0;
    for (const auto& [ssd, bytes] : b.read) in += bytes;
    for (const auto& [ssd, bytes] : b.written) out += bytes;
    CHECK(in == doctest::Approx(read[phase]));
    CHECK(out == doctest::Approx(written[phase]));
  }
}

TEST_CASE("tasks that read, compute and write in turn take the sum of the three") {
  // 8 clients x 25 GB/s and 6 nodes x 50 GB/s read 200 GB/s; three replicas take 6 x 50 / 3 = 100 GB/s. Partitioning: 1.2 TB / 200 = 6 s, 1
  // TB / (8 x 16 x 1 GB/s) = 7.8125 s, 1.2 TB / 100 = 12 s. Sorting: 5.9 + 15.625 + 10 s.
  const Row row = storage_ground(8, 6).run(sort_of("")).at(0);
  CHECK(row.number("partition_s") == doctest::Approx(6 + 7.8125 + 12).epsilon(0.01));
  CHECK(row.number("sort_s") == doctest::Approx(5.9 + 15.625 + 10).epsilon(0.01));
  CHECK(row.number("total_s") == doctest::Approx(25.8125 + 31.525).epsilon(0.01));
  CHECK(std::get<std::string>(*row.find("partition_bound_by")) == "storage NICs, writing");
  CHECK(std::get<std::string>(*row.find("sort_bound_by")) == "cores");
  CHECK(row.number("TiB_per_min") == doctest::Approx(1e12 / (1ll << 40) * 60 / row.number("total_s")));
}

TEST_CASE("tasks that overlap take what the slowest of the three takes, and the ends of the others") {
  // One replica: partitioning reads 1.2 TB at 200 GB/s in 6 s, computes 7.8125 s, writes 6 s; three waves of 4 tasks a node. The cores are busy from when
  // the first wave has been read until the last is to be written: 6 / 3 + 7.8125 + 6 / 3 s at most. Sorting: 5.9, 15.625, 5 s.
  const Row row = storage_ground(8, 6).run(sort_of(R"(, "overlap": true, "replicas": 1)")).at(0);
  CHECK(row.number("partition_s") >= 7.8125);
  CHECK(row.number("partition_s") <= 7.8125 + (6 + 6) / 3.0 + 0.1);
  CHECK(row.number("sort_s") >= 15.625);
  CHECK(row.number("sort_s") <= 15.625 + (5.9 + 5) / 3.0 + 0.1);
}

TEST_CASE("SSDs that write slowly are named") {
  // 96 SSDs x 1 GB/s / 3 = 32 GB/s.
  const std::string slow = R"({"extends": "threefs_2025", "ssd_write": "1 GB/s"})";
  const Row row = storage_ground(8, 6, "200 Gbps", slow).run(sort_of("")).at(0);
  CHECK(row.number("partition_write_s") == doctest::Approx(1200.0 / 32));
  CHECK(std::get<std::string>(*row.find("partition_bound_by")) == "SSDs, writing");
}

TEST_CASE("a task with more cores than a node is refused") {
  CHECK_THROWS_WITH_AS(storage_ground(8, 6).run(R"({"kind": "graysort", "cores": 4, "cores_per_task": 8})"),
                       doctest::Contains("a task wants 8 cores, a node has 4"), UserError);
}

TEST_CASE("more waves of tasks than can be simulated are refused") {
  // 2^20 tasks on 8 nodes of one core: 131,072 waves, each over 6 x 16 SSDs.
  CHECK_THROWS_WITH_AS(storage_ground(8, 6).run(R"({"kind": "graysort", "partitions": 1048576, "cores": 1, "cores_per_task": 1})"),
                       doctest::Contains("/partitions: 131072 waves of tasks on 8 nodes, each striped over 96 SSDs"), UserError);
}
