// Copies and sums in switches: dispatch, combine and all-reduce against what goes from end to end.
#include <doctest/doctest.h>

#include "tests/support/workload_runs.h"
#include "workloads/pair_program.h"

using namespace weft;
using namespace weft::testing;

namespace {

const std::string in_network = R"(, "in_network": true)";

/// `kind` is deepep_dispatch or deepep_combine, with expected routing and the paper's gate.
std::string moe(const std::string& kind, const std::string& more = "") {
  return R"({"kind": ")" + kind + R"(", "ep": 64, "gate": "v3", "draw": "expected", "kernel": {"nic_rate": "44 GB/s", "nvlink_rate": "125 GB/s"})" + more + "}";
}

Endpoint nic_switch(std::uint32_t node, std::uint32_t local = 0) { return {Endpoint::Kind::nic_switch, NodeId(node), local}; }

}  // namespace

// Without cable: NIC - leaf. From the switch: everything behind it, as the whole way has it.
TEST_CASE("the way to a NIC's switch is its cable alone, and on from there the rest; the latency is that of the whole way") {
  const topology::Fabric fabric = make_fabric(mpft, 64, "h800", "infiniband");
  topology::Router router(fabric, {});
  const auto whole = routes(router, gpu(0), gpu(63)), up = routes(router, gpu(0), nic_switch(0)), on = routes(router, nic_switch(0), gpu(63));
  REQUIRE(whole.size() == 1);
  auto together = hops_of(router, up[0]);
  for (const auto& [link, share] : hops_of(router, on[0])) together[link] += share;
  CHECK(together == hops_of(router, whole[0]));
  CHECK(on[0].latency.value() == doctest::Approx(whole[0].latency.value()).epsilon(1e-12));
  CHECK(routes(router, nic_switch(0), nic_switch(1)).at(0).segment_count == 0);   // one leaf
  CHECK_FALSE(router.reachable(gpu(0, 0), nic_switch(1, 1)));                     // another plane
  const topology::Fabric cut = make_fabric(mpft, 64, "h800", "infiniband", {"node0.nic0"});
  topology::Router without(cut, {});
  CHECK_FALSE(without.reachable(nic_switch(0), gpu(1)));
}

// N9.03. All GPUs send alike: a NIC receives tokens x 3.46 copies whatever is copied where, so the time stays; it sends 1 / 3.46 of that.
TEST_CASE("N9.03: multicast does not shorten a uniform dispatch, nor reduction a combine; the other side sends or receives 0.289 of it") {
  const Ground ground(mpft, 8);
  for (const std::string kind : {"deepep_dispatch", "deepep_combine"}) {
    const Row unicast = ground.run(moe(kind)).at(0), tree = ground.run(moe(kind, in_network)).at(0);
    CHECK(tree.number("time_us") / unicast.number("time_us") == doctest::Approx(1).epsilon(1e-9));
    CHECK(tree.number("nvl_physical_GBps") == doctest::Approx(unicast.number("nvl_physical_GBps")).epsilon(1e-9));
    CHECK(tree.number("rdma_physical_GBps") / unicast.number("rdma_physical_GBps") == doctest::Approx(0.2889).epsilon(0.02 / 0.2889));
  }
}

// One rank has tokens: its NIC sends 3.46 copies of each, or one. Either way the first byte takes 1 us over NVLink (the wires here take none).
TEST_CASE("where one rank alone sends, copies in the switches make it 3.46 times as fast, and sums as well") {
  const Ground ground(mpft, 8);
  for (const std::string kind : {"deepep_dispatch", "deepep_combine"}) {
    const Row unicast = ground.run(moe(kind, R"(, "senders": 1)")).at(0), tree = ground.run(moe(kind, R"(, "senders": 1)" + in_network)).at(0);
    const double copies = unicast.number("mean_nodes") * 7 / 8;   // per token; all tokens leave their node
    CHECK((unicast.number("time_us") - 1) / (tree.number("time_us") - 1) == doctest::Approx(copies).epsilon(1e-6));
    CHECK(copies == doctest::Approx(3.46).epsilon(0.01));
    CHECK(tree.number("rdma_physical_GBps") * tree.number("time_us") / (tree.number("time_us") - 1) == doctest::Approx(44).epsilon(1e-6));
  }
}

TEST_CASE("sampled routing moves the same bytes with and without multicast") {
  const std::string job = R"({"kind": "deepep_dispatch", "ep": 32, "tokens": 512)";
  const Traffic unicast = traffic_of(record(workload_from(job + "}")->cases(view_of(4)).at(0)));
  const RecordingSink tree = record(workload_from(job + in_network + "}")->cases(view_of(4)).at(0));
  double into_nics = 0, unicast_in = 0, sent = 0;
  for (const auto& [port, bytes] : unicast.nic_in) unicast_in += bytes;
  for (const RecordedTransfer& t : tree.transfers)
    for (const workloads::Leg& leg : t.legs) {
      if (leg.from.kind == Endpoint::Kind::nic_switch) into_nics += t.what.bytes.value() * leg.share;
      if (leg.to.kind == Endpoint::Kind::nic_switch) sent += t.what.bytes.value() * leg.share;
    }
  CHECK(into_nics == doctest::Approx(unicast_in).epsilon(1e-12));
  CHECK(sent <= 32 * 512 * 7392.0);   // a token at most once
  CHECK(sent > 0.9 * 32 * 512 * 7392.0);
}

// Ring: 2 (n - 1) / n of the bytes over each NIC; a tree: once up, once down; when GPUs fetch, (n + 1) / n.
TEST_CASE("an all-reduce in switches is 2 (n - 1) / n times as fast as a ring, 2 (n - 1) / (n + 1) where GPUs fetch the sums") {
  for (const std::uint32_t n : {2u, 8u, 64u}) {   // 64 nodes are on two leaves
    const Ground ground(mpft, n);
    const auto time = [&](const std::string& algorithm) {
      return ground.number(R"({"kind": "all_reduce", "gpus": )" + std::to_string(8 * n) + R"(, "tp": 8, "sizes": "1 GB", "kernel": "line_rate", "algorithm": ")" + algorithm + "\"}", "time_us");
    };
    const double ring = time("ring");
    CHECK(time("switches") == doctest::Approx(1e9 / 50e9 * 1e6).epsilon(1e-9));
    CHECK(ring / time("switches") == doctest::Approx(2.0 * (n - 1) / n).epsilon(1e-9));
    CHECK(ring / time("switches_pulled") == doctest::Approx(2.0 * (n - 1) / (n + 1)).epsilon(1e-9));
  }
}

// Eight GPUs a node: NVLink carries 2 x 7/8 of the bytes at 200 GB/s, 8.75 us a MB; each of eight NICs an eighth at 50 GB/s, 2.5 us.
TEST_CASE("GPUs of a node reduce over NVLink before and gather after") {
  const Ground ground(mpft, 4);
  const std::string job = R"({"kind": "all_reduce", "gpus": 32, "sizes": "1 GB", "kernel": "line_rate")";
  CHECK(ground.number(job + R"(, "algorithm": "switches"})", "time_us") == doctest::Approx(8750).epsilon(1e-3));
}

TEST_CASE("what switches cannot do is told") {
  CHECK_THROWS_WITH_AS(Ground(mpft, 8, "h800", "ideal", {"node0.nic0"}).run(moe("deepep_dispatch", in_network + R"(, "on_lost_nic": "rebalance")")),
                       doctest::Contains("/in_network"), UserError);
  CHECK_THROWS_WITH_AS(Ground(mpft, 1).run(R"({"kind": "deepep_combine", "ep": 8, "in_network": true})"), doctest::Contains("/ep/0"), UserError);
  CHECK_THROWS_WITH_AS(Ground(mpft, 8).run(moe("deepep_dispatch", R"(, "senders": 65)")), doctest::Contains("/senders"), UserError);
  CHECK_THROWS_WITH_AS(Ground(mpft, 1).run(R"({"kind": "all_reduce", "gpus": 8, "sizes": "1 GB", "algorithm": "switches"})"), doctest::Contains("NVLink"), UserError);
  CHECK_THROWS_WITH_AS(Ground(mpft, 2).run(R"({"kind": "all_gather", "gpus": 16, "sizes": "1 GB", "algorithm": "switches"})"), doctest::Contains("algorithm"), UserError);
  const auto plain = workloads::pair_program(workload_from(moe("deepep_dispatch", in_network))->cases(view_of(8)).at(0).program(0));
  CHECK_THROWS_WITH_AS(Ground(mpft, 8).makespan(*plain), doctest::Contains("plain flows cannot"), UserError);
}

// A message rate caps a NIC at rate x message. Without PXN 128 GPUs send 120 messages each over their NIC.
TEST_CASE("messages a second limit small messages: 120 of them at 1 M/s take 120 us") {
  const Ground ground(mrft, 16);
  const std::string job = R"({"kind": "all_to_all", "gpus": 128, "size_of": "pair", "sizes": "64 B", "pxn": false, "kernel": {"start_up": "3 us", "message_rate": 1e6}})";
  CHECK(ground.number(job, "time_us") == doctest::Approx(3 + 120).epsilon(1e-9));
  CHECK_THROWS_WITH_AS(ground.run(R"({"kind": "shift", "kernel": {"message_rate": 1e6}})"), doctest::Contains("does not count messages"), UserError);
}
