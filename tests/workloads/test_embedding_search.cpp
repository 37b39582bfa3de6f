// Small random reads: closed forms of what bounds them, and the busiest SSD of a batch.
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("\"embedding_search\" through FUSE is bound by 400,000 reads a second of each client") {
  const auto rows = storage_ground(4, 3).run(R"({"kind": "embedding_search", "queries": 1000, "reads_per_query": 100, "latency": "0 s"})");
  REQUIRE(rows.size() == 2);
  const Row& fuse = rows[1];
  CHECK(std::get<std::string>(*fuse.find("interface")) == "fuse");
  CHECK(std::get<std::string>(*fuse.find("bound_by")) == "client reads a second");
  CHECK(fuse.number("limit_reads_per_s") == doctest::Approx(4 * 400000.0));
  CHECK(fuse.number("batch_ms") == doctest::Approx(250));  // 100,000 reads of each client
  CHECK(fuse.number("queries_per_s") == doctest::Approx(16000));
}

TEST_CASE("a native client's reads are bound by NICs or SSDs") {
  // 4 clients x 25 GB/s / 4096 B = 24.4 M reads/s; 48 SSDs x 1 M = 48 M.
  const Row nics =
      storage_ground(4, 3).run(R"({"kind": "embedding_search", "interface": "native", "kernel": "line_rate", "latency": "0 s"})").at(0);
  CHECK(nics.number("limit_reads_per_s") == doctest::Approx(100e9 / 4096));
  CHECK(std::get<std::string>(*nics.find("bound_by")) == "client NICs");
  // SSDs of 10,000 reads a second: 480,000 at most, and less by what the busiest SSD has above the mean: 400,000 reads on 48 SSDs are 8333
  // +- 91 each, of which the largest of 48 lies about 2.2 deviations above: 2.4 %.
  const std::string slow = R"({"extends": "threefs_2025", "ssd_read_iops": 10000})";
  const Row ssds =
      storage_ground(4, 3, "200 Gbps", slow).run(R"({"kind": "embedding_search", "interface": "native", "latency": "0 s"})").at(0);
  CHECK(std::get<std::string>(*ssds.find("bound_by")) == "SSD reads a second");
  CHECK(ssds.number("limit_reads_per_s") == doctest::Approx(480000));
  CHECK(ssds.number("reads_per_s") < 480000);
  CHECK(ssds.number("reads_per_s") > 0.95 * 480000);
}

TEST_CASE("an unknown way to read, and more reads than can be drawn, are refused") {
  const Ground ground = storage_ground(4, 3);
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "embedding_search", "interface": "fuze"})"), doctest::Contains("fuse"), UserError);
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "embedding_search", "queries": 1000000})"), doctest::Contains("too many to draw"), UserError);
}
