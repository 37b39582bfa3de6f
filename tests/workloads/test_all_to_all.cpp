// NCCL's all-to-all with PXN: bytes where they belong, then time through the engine.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::string job(int gpus, const std::string& size, const std::string& more = "") {
  return R"({"kind": "all_to_all", "gpus": )" + std::to_string(gpus) + R"(, "sizes": ")" + size + "\"" + more + "}";
}

}  // namespace

// A GPU's NIC sends (n-8)/n of its buffer; NVLink takes 7/n for its node and 7/8 of (n-8)/n for other rails: 7/8 in
// all.
TEST_CASE("with PXN a NIC carries (n-8)/n of the buffer and NVLink 7/8, in and out") {
  for (const int n : {16, 32, 64}) {
    const auto cases = workload_from(job(n, "1 GB"))->cases(view_of(8));
    const Traffic t = traffic_of(record(cases.at(0)));
    CHECK(t.nic_out.size() == static_cast<std::size_t>(n));
    for (const auto& ports : {t.nic_out, t.nic_in})
      for (const auto& [port, bytes] : ports) CHECK(bytes == doctest::Approx(1e9 * (n - 8) / n));
    for (const auto& ports : {t.nvlink_out, t.nvlink_in})
      for (const auto& [port, bytes] : ports) CHECK(bytes == doctest::Approx(1e9 * 7 / 8));
  }
}

TEST_CASE("with PXN all traffic between nodes keeps to its rail; without it each GPU uses its own NIC") {
  for (const bool pxn : {true, false}) {
    const auto cases = workload_from(job(16, "1 GB", pxn ? "" : R"(, "pxn": false)"))->cases(view_of(2));
    std::size_t across = 0;
    for (const RecordedTransfer& t : record(cases.at(0)).transfers)
      for (const workloads::Leg& leg : t.legs) across += leg.from.node != leg.to.node && leg.from.local != leg.to.local;
    CHECK(across == (pxn ? 0u : 2u * 8 * 7));
  }
}

// A GPU keeps its own part, so that 16 GPUs with 64 KiB a pair have buffers of 1 MiB.
TEST_CASE("sizes are the buffer of one GPU, or what it sends to each other") {
  const std::string pair = R"(, "size_of": "pair")";
  CHECK(traffic_of(record(workload_from(job(16, "64 KiB", pair))->cases(view_of(2)).at(0))).nic_out ==
        traffic_of(record(workload_from(job(16, "1 MiB"))->cases(view_of(2)).at(0))).nic_out);
  CHECK(workload_from(job(16, "64 KiB", pair))->cases(view_of(2)).at(0).labels.number("size_B") == 1048576);
}

TEST_CASE("2,048 GPUs with PXN are 522,240 transfers between nodes and 14,336 inside") {
  const auto cases = workload_from(job(2048, "1 GiB"))->cases(view_of(256));
  struct Counter final : workloads::Sink {
    std::size_t between = 0, inside = 0;
    double bytes = 0;
    void transfer(const workloads::Transfer& t, std::span<const OpId>) override {
      ++(t.legs.size() == 1 ? inside : between);
      bytes += t.bytes.value();
    }
    void compute(const workloads::Compute&, std::span<const OpId>) override {}
    void marker(OpId, Seconds, std::span<const OpId>) override {}
  } counter;
  cases.at(0).program(0)->start(counter);
  CHECK(counter.between == 522240);
  CHECK(counter.inside == 14336);
  CHECK(counter.bytes == doctest::Approx(2048.0 * 1073741824 * 2047 / 2048));
}

// T = max(f S / 44 GB/s, 7/8 S / 160 GB/s), f = (n-8)/n: algbw = 44 n / (n-8).
TEST_CASE("N5.01-N5.04: an \"all_to_all\" with PXN reaches 88.0, 58.7, 50.3 and 46.9 GB/s on 16 to 128 GPUs") {
  const double algbw[] = {88.0, 58.667, 50.286, 46.933}, busbw[] = {82.5, 56.833, 49.5, 46.567};
  for (const std::string& topology : {mpft, mrft}) {
    const Ground ground(topology, 16, "h800", "infiniband");
    for (int i = 0; i < 4; ++i) {
      const Row row = ground.run(job(16 << i, "1 GiB")).at(0);
      CHECK(row.number("algbw_GBps") == doctest::Approx(algbw[i]).epsilon(0.01));
      CHECK(row.number("busbw_GBps") == doctest::Approx(busbw[i]).epsilon(0.01));
    }
  }
}

TEST_CASE("N5.05: 16 GiB on 16 GPUs take 195.2 ms") {
  CHECK(Ground(mpft, 2, "h800", "infiniband").number(job(16, "16 GiB"), "time_us") ==
        doctest::Approx(195200).epsilon(0.01));
}

TEST_CASE("N5.06: busbw of an all-to-all on 8 GPUs is 7/8 of algbw") {
  const Row row = Ground(mrft, 1).run(job(8, "1 GiB")).at(0);
  CHECK(row.number("busbw_GBps") / row.number("algbw_GBps") == doctest::Approx(0.875).epsilon(1e-6));
  CHECK(row.number("algbw_GBps") == doctest::Approx(160 / 0.875).epsilon(0.002));  // NVLink alone: 7/8 S over 160 GB/s
}

TEST_CASE("N2.08: MPFT and MRFT are equal under adaptive routing at every size, to 1e-9") {
  const Ground planes(mpft, 64, "h800", "infiniband"), rails(mrft, 64, "h800", "infiniband");
  const std::string sweep =
      R"({"kind": "all_to_all", "gpus": [16, 32, 64, 128, 512], "sizes": ["64 B", "1 KiB", "1 MiB", "1 GiB", "16 GiB"]})";
  const auto a = planes.run(sweep), b = rails.run(sweep);
  REQUIRE(a.size() == 25);
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK(a[i].number("time_us") == doctest::Approx(b[i].number("time_us")).epsilon(1e-9));
}

TEST_CASE("small messages cost the kernel's start-up and the wire") {
  // One hop through a leaf: 2.8 us and NCCL's 9.6 us.
  CHECK(Ground(mpft, 2, "h800", "infiniband").number(job(16, "64 B"), "time_us") ==
        doctest::Approx(12.4).epsilon(0.001));
}

TEST_CASE("without PXN an MRFT carries the all-to-all across rails, a plane of an MPFT does not reach the others") {
  const std::string no_pxn = R"(, "pxn": false)";
  // f S / 44 as before: each NIC carries as much, only the paths differ.
  CHECK(Ground(mrft, 4).number(job(32, "1 GiB", no_pxn), "algbw_GBps") == doctest::Approx(58.667).epsilon(0.01));
  CHECK_THROWS_WITH_AS(Ground(mpft, 4).run(job(32, "1 GiB", no_pxn)), doctest::Contains("plane of an MPFT"), UserError);
}
