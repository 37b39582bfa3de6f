// DeepEP's normal dispatch: bytes, the closed form with expected routing, and the README's bandwidths with sampled
// routing.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"
#include "workloads/moe/moe_parameters.h"
#include "workloads/moe/token_format.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::string job(int ep, const std::string& more = "") {
  return R"({"kind": "deepep_dispatch", "ep": )" + std::to_string(ep) + more + "}";
}
const std::string expected = R"(, "draw": "expected", "kernel": {"nic_rate": "44 GB/s", "nvlink_rate": "125 GB/s"})";

}  // namespace

TEST_CASE("N5.13: a copy is 7,392 B in FP8 (7,472 B on the wire) and 14,336 B in BF16") {
  CHECK(workloads::moe::token_format("fp8").copy(7168) == Bytes(7392));
  CHECK(workloads::moe::fp8_copy_on_wire(7168, 8) == Bytes(7472));
  CHECK(workloads::moe::token_format("bf16").copy(7168) == Bytes(14336));
  const auto cases = workload_from(job(16))->cases(view_of(2));
  CHECK(std::get<std::int64_t>(*cases.at(0).labels.find("copy_B")) == 7392);
  CHECK(std::get<std::int64_t>(*cases.at(0).labels.find("wire_copy_B")) == 7472);
  const auto bf16 = workload_from(job(16, R"(, "dispatch_dtype": "bf16")"))->cases(view_of(2));
  CHECK(std::get<std::int64_t>(*bf16.at(0).labels.find("copy_B")) == 14336);
}

// A NIC sends tokens * (nodes - own) copies, NVLink brings 7/8 of the copies to ranks.
TEST_CASE("a \"deepep_dispatch\" keeps to its rail and delivers every copy") {
  const auto cases = workload_from(job(32, R"(, "draw": "expected", "tokens": 1024)"))->cases(view_of(4));
  const RecordingSink sink = record(cases.at(0));
  for (const RecordedTransfer& t : sink.transfers)
    for (const workloads::Leg& leg : t.legs) CHECK((leg.from.node == leg.to.node || leg.from.local == leg.to.local));
  const Traffic t = traffic_of(sink);
  CHECK(t.nic_out.size() == 32);
  for (const auto& ports : {t.nic_out, t.nic_in})
    for (const auto& [port, bytes] : ports) CHECK(bytes == doctest::Approx(1024 * 3.6142 * 3 / 4 * 7392).epsilon(1e-4));
  for (const auto& ports : {t.nvlink_out, t.nvlink_in})
    for (const auto& [port, bytes] : ports) CHECK(bytes == doctest::Approx(1024 * 7.2668 * 7 / 8 * 7392).epsilon(1e-4));
}

// T = tokens * bytes * max(E_remote / 44 GB/s, E_ranks * 7/8 / 125 GB/s); logical bandwidth = tokens * E_nodes * bytes
// / T.
TEST_CASE(
    "N5.16, N5.18, N5.20: with expected routing EP16, EP32 and EP64 give the model's 43.56, 58.67 and 50.29 GB/s") {
  const double model[] = {43.56, 58.67, 50.29};
  const Ground ground(mpft, 8);
  for (int i = 0; i < 3; ++i)
    CHECK(ground.number(job(16 << i, expected), "rdma_logical_GBps") == doctest::Approx(model[i]).epsilon(0.005));
}

TEST_CASE(
    "N5.16, N5.18, N5.20: with sampled routing EP16, EP32 and EP64 are within 3 % of the README's 43, 58 and 51 GB/s") {
  const double published[] = {43, 58, 51};
  for (const std::string& topology : {mpft, mrft}) {
    const Ground ground(topology, 8, "h800", "infiniband");
    for (const std::uint64_t seed : {0u, 1u, 2u})
      for (int i = 0; i < 3; ++i)
        CHECK(ground.number(job(16 << i), "rdma_logical_GBps", seed) == doctest::Approx(published[i]).epsilon(0.03));
  }
}

TEST_CASE("N5.24: EP128 comes out near Figure 7's 45.34 GB/s, which was no input of the fit") {
  CHECK(Ground(mpft, 16, "h800", "infiniband").number(job(128), "rdma_logical_GBps") ==
        doctest::Approx(45.34).epsilon(0.04));
  CHECK(Ground(mpft, 16).number(job(128, expected), "rdma_logical_GBps") == doctest::Approx(46.93).epsilon(0.005));
}

TEST_CASE("N5.24: physical NIC rates at EP16 to EP128 are near Figure 7's 21.5, 43.5, 44.3 and 42.5 GB/s") {
  const double physical[] = {21.5, 43.5, 44.3, 42.5};
  const Ground ground(mpft, 16, "h800", "infiniband");
  for (int i = 0; i < 4; ++i)
    CHECK(ground.number(job(16 << i), "rdma_physical_GBps") == doctest::Approx(physical[i]).epsilon(0.04));
}

TEST_CASE("N5.14: physical over logical RDMA bandwidth is (nodes - 1) / nodes") {
  const double factor[] = {0.5, 0.75, 0.875};
  const Ground ground(mpft, 8);
  for (int i = 0; i < 3; ++i) {
    const Row row = ground.run(job(16 << i, expected)).at(0);
    CHECK(row.number("rdma_physical_GBps") / row.number("rdma_logical_GBps") ==
          doctest::Approx(factor[i]).epsilon(1e-12));
  }
}

TEST_CASE("N5.15: NVLink's logical bandwidth is 3.27 times RDMA's at EP16") {
  const Row row = Ground(mpft, 2, "h800", "infiniband").run(job(16)).at(0);
  CHECK(std::abs(row.number("nvl_logical_GBps") / row.number("rdma_logical_GBps") - 3.27) < 0.03);
}

TEST_CASE("N5.22: inside a node 7/8 of the logical bandwidth is physical: 153 GB/s are 133.9") {
  const Row row =
      Ground(mpft, 1).run(job(8, R"(, "draw": "expected", "intranode_kernel": {"nvlink_rate": "133.9 GB/s"})")).at(0);
  CHECK(row.number("nvl_physical_GBps") == doctest::Approx(133.9).epsilon(0.005));
  CHECK(row.number("nvl_logical_GBps") == doctest::Approx(153).epsilon(0.005));
}

TEST_CASE("EP8 with the shipped kernel is within 3 % of the README's 153 GB/s and shows no RDMA columns") {
  const Row row = Ground(mpft, 1, "h800", "infiniband").run(job(8)).at(0);
  CHECK(row.number("nvl_logical_GBps") == doctest::Approx(153).epsilon(0.03));
  CHECK(row.find("rdma_logical_GBps") == nullptr);
}

TEST_CASE("MPFT and MRFT dispatch alike to 1e-9, routing being the same") {
  const Ground planes(mpft, 16, "h800", "infiniband"), rails(mrft, 16, "h800", "infiniband");
  for (const int ep : {16, 64, 128})
    CHECK(planes.number(job(ep), "time_us") == doctest::Approx(rails.number(job(ep), "time_us")).epsilon(1e-9));
}
