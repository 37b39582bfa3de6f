// The transfers of an all-to-all by number: each pair once, in the stated order, the same in any order of asking.
#include <algorithm>

#include <doctest/doctest.h>

#include "sim/core/random.h"
#include "tests/support/recorded_program.h"
#include "workloads/all_to_all_transfers.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;

namespace {

AllToAllJob job_of(std::uint32_t nodes, std::uint32_t per_node, bool pxn, std::vector<Place> lost = {}) {
  AllToAllJob job;
  job.nodes = nodes;
  job.per_node = per_node;
  job.per_pair = Bytes(1000);
  job.pxn = pxn;
  RailOptions options;
  options.on_lost_nic = OnLostNic::rebalance;
  if (pxn && nodes > 1) job.rails = std::make_shared<const Rails>(view_of(nodes, std::move(lost)), nodes, per_node, options);
  return job;
}

/// A transfer with everything that it says, copied.
struct Said {
  double bytes, weight;
  std::uint64_t flow_key;
  std::vector<Leg> legs;
  bool operator==(const Said& o) const {
    return bytes == o.bytes && weight == o.weight && flow_key == o.flow_key &&
           std::ranges::equal(legs, o.legs, [](const Leg& x, const Leg& y) { return x.from == y.from && x.to == y.to && x.share == y.share; });
  }
};

Said read(TransferBatch& batch, std::uint32_t k) {
  Transfer t;
  batch.read(k, t);
  return {t.bytes.value(), t.weight, t.flow_key, {t.legs.begin(), t.legs.end()}};
}

/// The network leg, or the only one.
const Leg& main_leg(const Said& s) {
  for (const Leg& leg : s.legs)
    if (leg.from.node != leg.to.node) return leg;
  return s.legs.front();
}

}  // namespace

TEST_CASE("transfers come node after node, inside first, then to the other nodes in order, by sender and receiver") {
  for (const auto& [nodes, g] : {std::pair{1u, 4u}, {5u, 1u}, {2u, 2u}, {4u, 3u}}) {
    AllToAllTransfers batch(job_of(nodes, g, false));
    std::uint32_t k = 0;
    const auto expect = [&](std::uint32_t a, std::uint32_t i, std::uint32_t d, std::uint32_t j) {
      const Said s = read(batch, k++);
      REQUIRE(s.legs.size() == 1);
      CHECK(s.legs[0].from == gpu_at(a, i));
      CHECK(s.legs[0].to == gpu_at(d, j));
      CHECK(s.flow_key == (std::uint64_t{a * g + i} << 32 | (d * g + j)));
      CHECK(s.bytes == 1000);
    };
    for (std::uint32_t a = 0; a < nodes; ++a) {
      for (std::uint32_t i = 0; i < g; ++i)
        for (std::uint32_t j = 0; j < g; ++j)
          if (i != j) expect(a, i, a, j);
      for (std::uint32_t d = 0; d < nodes; ++d)
        for (std::uint32_t i = 0; i < g && d != a; ++i)
          for (std::uint32_t j = 0; j < g; ++j) expect(a, i, d, j);
    }
    CHECK(batch.size() == k);
    CHECK(k == nodes * g * (nodes * g - 1));
  }
}

// g GPUs hand a g-th each to the rail's GPU: g messages, g - 1 legs over NVLink and one over the network.
TEST_CASE("with PXN each rail is one transfer for a pair of nodes, with the bytes and the weight of its messages") {
  AllToAllTransfers batch(job_of(3, 8, true));
  REQUIRE(batch.size() == 3 * (8 * 7 + 2 * 8));
  for (std::uint32_t a = 0; a < 3; ++a)
    for (std::uint32_t x = 0; x < 16; ++x) {
      const Said s = read(batch, a * 72 + 56 + x);
      const std::uint32_t other = x / 8, d = other < a ? other : other + 1, via = x % 8;
      CHECK(s.legs.size() == 8);
      CHECK(main_leg(s).from == gpu_at(a, via));
      CHECK(main_leg(s).to == gpu_at(d, via));
      CHECK(s.bytes == 8000);
      CHECK(s.weight == 8);
    }
}

TEST_CASE("a transfer is the same whenever it is asked for, also when rails are lost") {
  for (const AllToAllJob& job : {job_of(5, 3, false), job_of(9, 1, false), job_of(5, 8, true), job_of(9, 1, true),
                                 job_of(6, 8, true, {{NodeId(0), 7}, {NodeId(2), 0}, {NodeId(2), 3}, {NodeId(5), 7}})}) {
    AllToAllTransfers batch(job), shuffled(job);
    std::vector<Said> in_order;
    for (std::uint32_t k = 0; k < batch.size(); ++k) in_order.push_back(read(batch, k));
    Draws draws(1, "order", batch.size());
    for (int n = 0; n < 2000; ++n) {
      const auto k = static_cast<std::uint32_t>(draws.below(batch.size()));
      CHECK(read(shuffled, k) == in_order[k]);
      if (k + 1 < batch.size()) CHECK(read(shuffled, k + 1) == in_order[k + 1]);
    }
  }
}

// 6 nodes: the pairs of a node with two lost NICs use 6 rails, those with one lost NIC 7, and the same NIC lost at both
// ends counts once: ordered pairs of {0,5}: 7 rails; {2, 0 or 5}: 5; {2, other}: 6; {0 or 5, other}: 7; others: 8.
TEST_CASE("with NICs lost only rails that are alive at both ends carry, and all bytes still leave") {
  AllToAllTransfers batch(job_of(6, 8, true, {{NodeId(0), 7}, {NodeId(2), 0}, {NodeId(2), 3}, {NodeId(5), 7}}));
  CHECK(batch.size() == 6 * 56 + 2 * 7 + 4 * 5 + 6 * 6 + 12 * 7 + 6 * 8);
  double between = 0;
  for (std::uint32_t k = 0; k < batch.size(); ++k) {
    const Said s = read(batch, k);
    const Leg& leg = main_leg(s);
    if (leg.from.node == leg.to.node) continue;
    between += s.bytes;
    CHECK_FALSE((leg.from.local == 7 && (leg.from.node.value % 5 == 0 || leg.to.node.value % 5 == 0)));
  }
  CHECK(between == doctest::Approx(1000.0 * 48 * 40));  // 48 GPUs, 40 others on other nodes
}
