// Storage nodes under the engine: folding, failures in mid-run, kernels' shares of NICs, parts.
#include <doctest/doctest.h>

#include "tests/support/fold_checks.h"
#include "tests/support/storage_fabrics.h"

using namespace weft;
using namespace weft::testing;
using doctest::Approx;
using engine::FabricEvent;
using workloads::StaticProgram;

namespace {

const std::string small_mpft = R"({"kind": "mpft", "radix": 8})";

/// Every GPU sends to its namesake of the next node and reads from an SSD, which `number` says.
template <class Number>
std::unique_ptr<StaticProgram> shift_and_read(std::uint32_t nodes, Number number) {
  auto program = std::make_unique<StaticProgram>();
  const Placement ranks(nodes, 8);
  workloads::OwnedOperations owned{ranks, {workloads::whole_nodes(ranks, false), workloads::local_indices(ranks)}, {}};
  for (std::uint32_t r = 0; r < ranks.ranks(); ++r) {
    const OpId read = send(*program, 2e6, ssd(0, number(r)), gpu(r / 8, r % 8));
    send(*program, 3e6, gpu(r / 8, r % 8), gpu((r / 8 + 1) % nodes, r % 8), {}, {read});
    owned.owner.insert(owned.owner.end(), {r, r});
  }
  program->declare(std::move(owned));
  return program;
}

}  // namespace

TEST_CASE("ranks that read from one SSD are folded, ranks that read each from their own are not; storage nodes stay where they are") {
  const auto f = make_storage_fabric({.nodes = 2}, small_mpft, 4);
  CHECK(simulated(fold_and_full(f, [] { return shift_and_read(4, [](std::uint32_t) { return 5u; }); })) == 1);
  CHECK(simulated(fold_and_full(f, [] { return shift_and_read(4, [](std::uint32_t r) { return r % 8; }); })) == 8);
  CHECK(simulated(fold_and_full(f, [] { return shift_and_read(4, [](std::uint32_t r) { return r % 16; }); })) == 16);
  const topology::RoutingSpec fixed{.policy = topology::Policy::static_dmodk};
  CHECK(simulated(fold_and_full(f, [] { return shift_and_read(4, [](std::uint32_t) { return 5u; }); }, {}, fixed)) == 0);
  // On leaves of two NICs, storage0 shares no leaf with a client: nodes change places only inside what is alike.
  const auto tree = make_storage_fabric({.nodes = 1, .topology = R"({"kind": "ft2", "radix": 4})"}, small_mpft, 4);
  CHECK(simulated(fold_and_full(tree, [] { return shift_and_read(4, [](std::uint32_t) { return 5u; }); })) >= 1);
}

TEST_CASE("when a NIC of a storage node is lost in mid-run, its reads go on by the other one") {
  // 8 reads of 2.5 GB by each NIC of 25 GB/s: 0.8 s. From 0.4 s on one NIC has the other 20 GB: until 1.2 s.
  const auto f = make_storage_fabric({}, small_mpft, 4);
  StaticProgram p;
  for (std::uint32_t s = 0; s < 16; ++s) send(p, 2.5e9, ssd(0, s), host(s / 4));
  CHECK(play(f, p).summary.makespan.value() == Approx(0.8).epsilon(1e-9));
  engine::Options o;
  for (const LinkId l : topology::links_named(f, "storage0.nic0")) o.events.push_back({Seconds(0.4), FabricEvent::What::fail, l, {}});
  CHECK(play(f, p, o).summary.makespan.value() == Approx(1.2).epsilon(1e-9));
  for (const LinkId l : topology::links_named(f, "storage0.ssd3")) o.events.push_back({Seconds(0.5), FabricEvent::What::fail, l, {}});
  CHECK_THROWS_WITH_AS(play(f, p, o), doctest::Contains("from storage0.ssd3 to node0.host0 has no path left"), UserError);
}

TEST_CASE("an SSD that slows down holds up what reads from it alone") {
  // 6.2 GB at 6.2 GB/s take 1 s; at 3.1 GB/s from 0.5 s on, 1.5 s.
  const auto f = make_storage_fabric({}, small_mpft, 2);
  StaticProgram p;
  send(p, 6.2e9, ssd(0, 0), host(0));
  send(p, 6.2e9, ssd(0, 1), host(0));
  engine::Options o;
  o.events = {{Seconds(0.5), FabricEvent::What::capacity, link_named(f, "storage0.ssd1-storage0.host"), BytesPerSecond(3.1e9)}};
  const auto played = play(f, p, o);
  CHECK(played.finish.at(0) == Approx(1).epsilon(1e-9));
  CHECK(played.finish.at(1) == Approx(1.5).epsilon(1e-9));
}

TEST_CASE("a kernel's share of a NIC is of that NIC's own rate, beside a rate the smaller of the two") {
  const auto f = make_storage_fabric({.nodes = 4}, small_mpft, 2);
  const auto time = [&](const workloads::CommKernel& k) {
    StaticProgram p;
    TransferOptions o;
    o.kernel = p.add_kernel(k);
    for (std::uint32_t s = 0; s < 16; ++s) send(p, 1e9, ssd(s % 4, s), host(0), o);
    return play(f, p).summary.makespan.value();
  };
  CHECK(time({"none", {}, {}, {}}) == Approx(16 / 50.0));
  CHECK(time({"share", {}, {}, 0.8}) == Approx(16 / 40.0));
  CHECK(time({"rate", BytesPerSecond(20e9), {}, 0.8}) == Approx(16 / 20.0));
  CHECK(time({"loose rate", BytesPerSecond(45e9), {}, 0.8}) == Approx(16 / 40.0));
}

TEST_CASE("reads of nodes that share nothing are played in parts, to the same times") {
  const auto f = make_storage_fabric({.nodes = 8}, small_mpft, 8);
  const auto finish = [&](unsigned threads) {
    StaticProgram p;
    for (std::uint32_t n = 0; n < 8; ++n)
      for (std::uint32_t s = 0; s < 16; ++s) send(p, 1e6 * (1 + s), ssd(n, s), gpu(n, s % 8));
    return play(f, p, {.threads = threads}).finish;
  };
  CHECK(finish(4) == finish(1));
}
