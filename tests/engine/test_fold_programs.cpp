// Folding of programs with dependencies, kernels of their own rates, streams, and operations that come as others finish.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/fold_checks.h"

using namespace weft;
using namespace weft::testing;
using workloads::StaticProgram;

namespace {

/// A ring all-gather step by step: each GPU passes on what came in the step before, after a kernel on its own stream.
std::unique_ptr<StaticProgram> ring(std::uint32_t nodes, std::uint32_t steps) {
  auto program = std::make_unique<StaticProgram>();
  const Placement ranks(nodes, 8);
  workloads::OwnedOperations owned{ranks, {workloads::whole_nodes(ranks, false), workloads::local_indices(ranks)}, {}};
  TransferOptions options;
  options.kernel = program->add_kernel({"ring", BytesPerSecond(44e9), BytesPerSecond(160e9)});
  options.weight = 3;
  options.rate_cap = BytesPerSecond(40e9);
  std::vector<OpId> came(ranks.ranks()), next(ranks.ranks());
  for (std::uint32_t step = 0; step < steps; ++step) {
    for (std::uint32_t r = 0; r < ranks.ranks(); ++r) {
      std::vector<OpId> after;
      if (step > 0) after.push_back(came[r]);
      const OpId work = program->add_compute(StreamId(r), Seconds(5e-6), 20, after);
      owned.owner.push_back(r);
      const std::uint32_t to = (r + 8) % ranks.ranks();
      next[to] = send(*program, 4e6, gpu(r / 8, r % 8), gpu(to / 8, to % 8), options, {work});
      owned.owner.push_back(r);
    }
    came = next;
  }
  for (std::uint32_t r = 0; r < ranks.ranks(); ++r) {
    program->add_marker(Seconds(1e-6), std::vector<OpId>{came[r]});
    owned.owner.push_back(r);
  }
  program->declare(std::move(owned));
  return program;
}

/// Every GPU sends rounds of messages to its namesakes, each round when its own last one is done.
class Rounds final : public workloads::Program {
 public:
  Rounds(std::uint32_t nodes, std::uint32_t rounds) : nodes_(nodes), rounds_(rounds), left_(8 * nodes, 0), round_(8 * nodes, 0) {}
  void start(workloads::Sink& sink) override {
    for (std::uint32_t r = 0; r < 8 * nodes_; ++r) round(r, 0, sink);
  }
  void on_complete(OpId op, Seconds, workloads::Sink& sink) override {
    const std::uint32_t r = op.value / (nodes_ - 1) % (8 * nodes_);
    if (--left_[r] == 0 && ++round_[r] < rounds_) round(r, round_[r], sink);
  }
  std::shared_ptr<workloads::Symmetry> symmetry() override { return std::make_shared<Alike>(*this); }

 private:
  void round(std::uint32_t r, std::uint32_t number, workloads::Sink& sink) {
    left_[r] = nodes_ - 1;
    for (std::uint32_t k = 0; k + 1 < nodes_; ++k) {
      const std::uint32_t d = k + (k >= r / 8);
      const workloads::Leg leg{gpu(r / 8, r % 8), gpu(d, r % 8), 1};
      workloads::Transfer t;
      t.id = id(number, r, d);
      t.bytes = Bytes(2e6 * (1 + number));
      t.legs = std::span(&leg, 1);
      sink.transfer(t);
    }
  }
  OpId id(std::uint32_t number, std::uint32_t r, std::uint32_t d) const {
    return OpId((number * 8 * nodes_ + r) * (nodes_ - 1) + d - (d > r / 8 ? 1 : 0));
  }

  struct Alike final : workloads::Symmetry {
    explicit Alike(Rounds& p) : program(p) {}
    Rounds& program;
    Placement ranks() const override { return {program.nodes_, 8}; }
    std::vector<workloads::Interchange> interchanges() const override { return {workloads::whole_nodes(ranks()), workloads::local_indices(ranks())}; }
    std::uint64_t operations() const override { return std::uint64_t{8} * program.nodes_ * (program.nodes_ - 1); }
    void emit(std::uint32_t rank, workloads::Sink& sink) override { program.round(rank, 0, sink); }
    std::uint32_t owner(OpId op) const override { return op.value / (program.nodes_ - 1) % (8 * program.nodes_); }
    OpId image(OpId op, std::span<const std::uint32_t> image) const override {
      const std::uint32_t r = owner(op), number = op.value / (program.nodes_ - 1) / (8 * program.nodes_), k = op.value % (program.nodes_ - 1);
      const std::uint32_t d = k + (k >= r / 8), to = image[8 * d + r % 8];
      return to % 8 == image[r] % 8 ? program.id(number, image[r], to / 8) : OpId();
    }
  };

  std::uint32_t nodes_, rounds_;
  std::vector<std::uint32_t> left_, round_;
};

}  // namespace

TEST_CASE("a ring with dependencies between ranks, a kernel's rates, weights and caps folds to one GPU") {
  // 8 nodes on 2 leaves: rotating by one node would tear the leaves apart, by 4 it does not; in step they hold 4 classes.
  const Ground ground(R"({"kind": "mpft", "radix": 8, "planes": 8})", 8, "h800", "infiniband");
  CHECK(simulated(fold_and_full(ground.fabric, [] { return ring(8, 6); })) == 4);
  const Ground one_leaf(R"({"kind": "mpft", "radix": 16, "planes": 8})", 8, "h800", "infiniband");
  CHECK(simulated(fold_and_full(one_leaf.fabric, [] { return ring(8, 6); })) == 1);
}

TEST_CASE("what a program emits as operations finish is emitted for the simulated ranks alone") {
  const Ground ground(R"({"kind": "mpft", "radix": 8, "planes": 8})", 8, "h800", "infiniband");
  CHECK(simulated(fold_and_full(ground.fabric, [] { return std::make_unique<Rounds>(8, 5); })) == 1);
}

TEST_CASE("virtual links of a kernel are summed over the links that one stands for") {
  const Ground ground(R"({"kind": "mrft", "radix": 8})", 8, "h800", "infiniband");
  for (const std::string kernel : {"nccl_all_to_all", "line_rate", "deepep_normal"})
    CHECK(simulated(fold_and_full(ground, fmt::format(R"({{"kind": "all_to_all", "sizes": "8 MiB", "kernel": "{}"}})", kernel))) == 1);
}
