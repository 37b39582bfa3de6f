// KV reads beside expert parallelism on a GPU's PCIe link: max-min today, priorities as a what-if.
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::map<std::string, Row> by_priority(const Ground& ground, const std::string& more = {}) {
  std::map<std::string, Row> rows;
  for (const Row& r : ground.run(R"({"kind": "kv_read_vs_ep")" + more + "}")) rows[std::get<std::string>(*r.find("priority"))] = r;
  return rows;
}

}  // namespace

TEST_CASE("\"kv_read_vs_ep\": 45 and 30 GB/s on a link of 57.6 GB/s get 28.8 each today") {
  // 45 + 30 > 57.6, and both want more than half: 28.8 each. Exchanges take 45 / 28.8 = 1.5625 times as long.
  const auto rows = by_priority(Ground(mpft, 2));
  CHECK(rows.at("max_min").number("ep_GBps") == doctest::Approx(28.8).epsilon(1e-9));
  CHECK(rows.at("max_min").number("kv_GBps") == doctest::Approx(28.8).epsilon(1e-9));
  CHECK(rows.at("max_min").number("ep_slowdown") == doctest::Approx(1.5625).epsilon(1e-9));
}

TEST_CASE("with strict priority expert parallelism has its 45 GB/s, and KV the 12.6 that are left; the other way round 30 and 27.6") {
  const auto rows = by_priority(Ground(mpft, 2));
  CHECK(rows.at("ep_first").number("ep_GBps") == doctest::Approx(45).epsilon(1e-6));
  CHECK(rows.at("ep_first").number("kv_GBps") == doctest::Approx(12.6).epsilon(1e-6));
  CHECK(rows.at("ep_first").number("kv_slowdown") == doctest::Approx(30 / 12.6).epsilon(1e-6));
  CHECK(rows.at("kv_first").number("kv_GBps") == doctest::Approx(30).epsilon(1e-6));
  CHECK(rows.at("kv_first").number("ep_GBps") == doctest::Approx(27.6).epsilon(1e-6));
}

TEST_CASE("what fits on the link is not slowed") {
  const auto rows = by_priority(Ground(mpft, 2), R"(, "ep_rate": "40 GB/s", "kv_rate": "10 GB/s", "priority": "max_min")");
  REQUIRE(rows.size() == 1);
  CHECK(rows.at("max_min").number("ep_slowdown") == doctest::Approx(1));
  CHECK(rows.at("max_min").number("kv_slowdown") == doctest::Approx(1));
}

TEST_CASE("KV from storage nodes is as slow as its SSD alone, and crosses the same link") {
  // One SSD gives 6.2 GB/s, which leaves 51.4 of 57.6: enough for 45.
  const Ground ground(make_storage_fabric({"threefs_2025", 3}, R"({"kind": "mpft", "radix": 64, "planes": 8})", 2));
  const auto rows = by_priority(ground, R"(, "kv_from": "storage", "priority": "max_min")");
  CHECK(rows.at("max_min").number("kv_GBps") == doctest::Approx(6.2).epsilon(1e-9));
  CHECK(rows.at("max_min").number("ep_GBps") == doctest::Approx(45).epsilon(1e-9));
  CHECK_THROWS_WITH_AS(by_priority(Ground(mpft, 2), R"(, "kv_from": "storage")"), doctest::Contains("the cluster has none"), UserError);
  CHECK_THROWS_WITH_AS(by_priority(Ground(mpft, 1)), doctest::Contains("there is one only"), UserError);
}

TEST_CASE("where the CPU has a link of its own to each GPU, neither waits for the other, and the node's memory is what limits") {
  // Eight GPUs that each want 200 GB/s of 640 GB/s of memory get 80 each; exchanges stay on PCIe with their 45 GB/s. Over PCIe they get 28.8 each.
  const Ground own(mpft, 2, R"({"extends": "h800", "cpu_link_rate": "200 GB/s"})");
  const std::string all = R"(, "gpus": 8, "kv_rate": "200 GB/s", "host_memory_rate": "640 GB/s", "priority": "max_min")";
  const Row linked = by_priority(own, all).at("max_min"), shared = by_priority(Ground(mpft, 2), all).at("max_min");
  CHECK(linked.number("kv_GBps") == doctest::Approx(80));
  CHECK(linked.number("ep_slowdown") == doctest::Approx(1));
  CHECK(shared.number("kv_GBps") == doctest::Approx(28.8));
  CHECK(shared.number("ep_slowdown") == doctest::Approx(45 / 28.8));
  CHECK_THROWS_WITH_AS(by_priority(Ground(mpft, 2), R"(, "gpus": 9)"), doctest::Contains("9 GPUs of a node that has 8"), UserError);
}
