// KV caches read from storage: sizes, and the client's NIC as the limit (3FS: 40 GiB/s at the peak through one NIC of 400 Gbps).
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("a request of \"kv_cache_read\" is read in blocks that add up to its bytes") {
  // 100 tokens in blocks of 64 are two blocks of 50 tokens.
  const auto cases =
      workload_from(R"({"kind": "kv_cache_read", "tokens": 100, "requests": 3, "in_flight": 32})")->cases(storage_view(2, 4));
  const RecordingSink sink = record(cases[0]);
  REQUIRE(sink.transfers.size() == 6);
  double bytes = 0;
  for (const RecordedTransfer& t : sink.transfers) bytes += t.what.bytes.value();
  CHECK(bytes == doctest::Approx(3 * 100 * 70272.0));
}

TEST_CASE("one client is bound by its NIC: at most 46.57 GiB/s of 400 Gbps, and 0.88 of it with what RDMA reaches") {
  const Ground ground = storage_ground(1, 12, "400 Gbps");
  const Row wire = ground.run(R"({"kind": "kv_cache_read", "kernel": "line_rate", "latency": "0 s"})").at(0);
  CHECK(wire.number("per_client_GiBps") == doctest::Approx(50e9 / (1 << 30)).epsilon(0.01));
  CHECK(std::get<std::string>(*wire.find("bound_by")) == "client NICs");
  const Row rdma = ground.run(R"({"kind": "kv_cache_read"})").at(0);
  CHECK(rdma.number("per_client_GiBps") == doctest::Approx(44e9 / (1 << 30)).epsilon(0.01));
  // Tokens: bytes over 70,272 of each.
  CHECK(rdma.number("tokens_per_s") * 70272 / (1 << 30) == doctest::Approx(rdma.number("per_client_GiBps")));
}

TEST_CASE("a block larger than its request is refused") {
  CHECK_THROWS_WITH_AS(storage_ground(1, 3).run(R"({"kind": "kv_cache_read", "tokens": 32})"),
                       doctest::Contains("a block of 64 tokens is larger than a request of 32"), UserError);
}
