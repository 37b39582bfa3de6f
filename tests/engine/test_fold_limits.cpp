// What ends folding, for the ranks concerned alone: failures, changes in mid-run, sizes of one's own, ECMP, and programs that
// claim more than is true.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sim/core/random.h"
#include "tests/support/fold_checks.h"

using namespace weft;
using namespace weft::testing;
using workloads::Interchange;
using workloads::StaticProgram;

namespace {

const std::string mpft8 = R"({"kind": "mpft", "radix": 8, "planes": 8})";   // leaves of 4 nodes
const std::string all_to_all = R"({"kind": "all_to_all", "sizes": "64 MiB"})";
const std::string flat = R"({"kind": "all_to_all", "sizes": "64 MiB", "pxn": false})";

/// `groups` groups of 2 nodes with 8 GPUs each, which exchange among themselves; `bytes(group)` from GPU to GPU.
std::unique_ptr<StaticProgram> expert_groups(std::uint32_t groups, const std::function<double(std::uint32_t)>& bytes) {
  auto program = std::make_unique<StaticProgram>();
  const Placement ranks(2 * groups, 8);
  workloads::OwnedOperations owned{ranks, {}, {}};
  Interchange all_groups;
  for (std::uint32_t g = 0; g < groups; ++g) {
    auto& block = all_groups.blocks.emplace_back();
    for (std::uint32_t i = 0; i < 16; ++i) block.push_back(16 * g + i);
    for (std::uint32_t from = 0; from < 16; ++from)
      for (std::uint32_t to = 0; to < 16; ++to) {
        if (from / 8 != to / 8 && from % 8 != to % 8) continue;   // planes do not meet
        if (from == to) continue;
        send(*program, bytes(g), gpu(2 * g + from / 8, from % 8), gpu(2 * g + to / 8, to % 8));
        owned.owner.push_back(16 * g + from);
      }
  }
  owned.interchanges = {std::move(all_groups), workloads::local_indices(ranks)};
  for (std::uint32_t g = 0; g < groups; ++g) {
    Interchange halves;
    for (std::uint32_t half = 0; half < 2; ++half) {
      auto& block = halves.blocks.emplace_back();
      for (std::uint32_t i = 0; i < 8; ++i) block.push_back(16 * g + 8 * half + i);
    }
    owned.interchanges.push_back(std::move(halves));
  }
  program->declare(std::move(owned));
  return program;
}

}  // namespace

TEST_CASE("a lost spine ends the symmetry of its plane with the others, and no other") {
  const Ground ground(mpft8, 16, "h800", "infiniband", {"plane3.spine1"});
  CHECK(simulated(fold_and_full(ground, all_to_all)) == 2);   // a GPU of plane 3 and one of the others
}

TEST_CASE("a cable to a spine that fails sets its leaf and its plane apart") {
  const Ground ground(mpft8, 16, "h800", "infiniband", {"plane3.leaf1-plane3.spine1"});
  const std::uint32_t ranks = simulated(fold_and_full(ground, all_to_all));
  CHECK(ranks == 4);   // (leaf 1 or another) x (plane 3 or another)
}

TEST_CASE("a failure in group 3 leaves the other groups folded") {
  const auto uniform = [] { return expert_groups(8, [](std::uint32_t) { return 1e7; }); };
  const Ground whole(mpft8, 16, "h800", "infiniband");
  CHECK(simulated(fold_and_full(whole.fabric, uniform)) == 1);
  // The NIC that gets slower is number 2 of node 6, which is of group 3 and on a leaf with group 2. So GPU 2 and the seven others
  // are told apart in node 6, in node 7, in group 2, and in all other groups together: 8 of 128 ranks.
  engine::Options options;
  options.events = {{Seconds(1e-4), engine::FabricEvent::What::capacity, link_named(whole.fabric, "node6.nic2-plane2.leaf1"),
                     BytesPerSecond(20e9)}};
  CHECK(simulated(fold_and_full(whole.fabric, uniform, options)) == 8);
}

TEST_CASE("a group with bytes of its own is simulated by itself, and so is the one on its leaf") {
  const Ground ground(mpft8, 16, "h800", "infiniband");
  CHECK(simulated(fold_and_full(ground.fabric, [] { return expert_groups(8, [](std::uint32_t g) { return g == 3 ? 2e7 : 1e7; }); })) == 3);
}

TEST_CASE("groups whose sizes all differ fold inside themselves alone") {
  const Ground ground(mpft8, 16, "h800", "infiniband");
  CHECK(simulated(fold_and_full(ground.fabric, [] { return expert_groups(8, [](std::uint32_t g) { return 1e7 + 1e5 * g; }); })) == 8);
}

TEST_CASE("links that change in mid-run stay what they are, and so do ranks that are told apart by them") {
  const Ground ground(mpft8, 16, "h800", "infiniband");
  for (const auto what : {engine::FabricEvent::What::capacity, engine::FabricEvent::What::fail}) {
    engine::Options options;
    const LinkId cable = topology::links_named(ground.fabric, "plane0.leaf0-plane0.spine0").front();
    options.events = {{Seconds(2e-4), what, cable, BytesPerSecond(10e9)}};
    if (what == engine::FabricEvent::What::fail)
      options.events.push_back({Seconds(4e-4), engine::FabricEvent::What::repair, cable, BytesPerSecond()});
    const std::uint32_t ranks = simulated(fold_and_full(ground, all_to_all, options));
    CHECK(ranks == 4);   // (leaf 0 or 1) x (plane 0 or another)
  }
}

TEST_CASE("ECMP does not fold: its hash knows no symmetry") {
  topology::RoutingSpec ecmp;
  ecmp.policy = topology::Policy::ecmp;
  CHECK(simulated(fold_and_full(Ground(mpft8, 8, "h800", "infiniband", {}, ecmp), all_to_all)) == 0);
}

TEST_CASE("static routing folds as far as its routes are images of each other") {
  topology::RoutingSpec spec;
  spec.policy = topology::Policy::static_dmodk;
  CHECK(simulated(fold_and_full(Ground(mpft8, 8, "h800", "infiniband", {}, spec), all_to_all)) > 0);
  CHECK(simulated(fold_and_full(Ground(R"({"kind": "ft2", "radix": 8})", 32, "endpoint", "infiniband", {}, spec), flat)) > 0);
  // An incomplete tree: numbers modulo spines that do not divide the leaf.
  const FoldedAndFull odd = fold_and_full(Ground(R"({"kind": "ft2", "radix": 10})", 23, "endpoint", "infiniband", {}, spec), flat);
  CHECK(odd.deviation() < 1e-9);
}

TEST_CASE("detours by way of any switch are symmetric too") {
  for (const auto paths : {topology::PathChoice::valiant, topology::PathChoice::ugal}) {
    topology::RoutingSpec spec;
    spec.paths = paths;
    spec.ugal_minimal_share = 0.4;
    CHECK(simulated(fold_and_full(Ground(mpft8, 8, "h800", "infiniband", {}, spec), all_to_all)) == 1);
    CHECK(simulated(fold_and_full(Ground(R"({"kind": "dragonfly", "radix": 8, "p": 2, "a": 4, "h": 2, "g": 9})", 72, "endpoint",
                                         "infiniband", {}, spec), flat)) > 0);
  }
}

TEST_CASE("jitter of sizes switches folding off") {
  const Ground ground(mpft8, 8, "h800", "infiniband");
  std::uint32_t draw = 0;
  const auto jittered = [&draw] {
    draw = 0;
    auto program = std::make_unique<StaticProgram>();
    const Placement ranks(8, 8);
    workloads::OwnedOperations owned{ranks, {workloads::whole_nodes(ranks), workloads::local_indices(ranks)}, {}};
    for (std::uint32_t from = 0; from < 64; ++from)
      for (std::uint32_t node = 0; node < 8; ++node) {
        if (node == from / 8) continue;
        send(*program, 1e7 * (1 + 0.01 * Draws(3, "jitter", draw++).unit()), gpu(from / 8, from % 8), gpu(node, from % 8));
        owned.owner.push_back(from);
      }
    program->declare(std::move(owned));
    return program;
  };
  CHECK(simulated(fold_and_full(ground.fabric, jittered)) == 0);
}

namespace {

/// A large ring of sends whose program claims that all its nodes are alike in any order.
class Liar final : public workloads::Program, public std::enable_shared_from_this<Liar> {
 public:
  static constexpr std::uint32_t nodes = 64, sends = 400;
  void start(workloads::Sink& sink) override {
    for (std::uint32_t r = 0; r < nodes; ++r) emit(r, sink);
  }
  static void emit(std::uint32_t r, workloads::Sink& sink) {
    for (std::uint32_t k = 0; k < sends; ++k) {
      const workloads::Leg leg{gpu(r), gpu((r + 1 + k % 7) % nodes), 1};
      workloads::Transfer t;
      t.id = OpId(r * sends + k);
      t.bytes = Bytes(1e6 * (1 + r % 5));
      t.legs = std::span(&leg, 1);
      sink.transfer(t);
    }
  }
  std::shared_ptr<workloads::Symmetry> symmetry() override { return std::make_shared<Claim>(); }

 private:
  struct Claim final : workloads::Symmetry {
    Placement ranks() const override { return {nodes, 1}; }
    std::vector<Interchange> interchanges() const override { return {workloads::whole_nodes(ranks())}; }
    std::uint64_t operations() const override { return nodes * sends; }
    void emit(std::uint32_t rank, workloads::Sink& sink) override { Liar::emit(rank, sink); }
    std::uint32_t owner(OpId op) const override { return op.value / sends; }
    OpId image(OpId op, std::span<const std::uint32_t> image) const override { return OpId(image[op.value / sends] * sends + op.value % sends); }
  };
};

}  // namespace

TEST_CASE("a program that claims more than is true is caught by the sample of its operations") {
  const Ground ground(R"({"kind": "single_switch", "radix": 64})", 64, "endpoint", "infiniband");
  CHECK(simulated(fold_and_full(ground.fabric, [] { return std::make_unique<Liar>(); })) == 0);
}
