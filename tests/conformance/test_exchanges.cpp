// Whole exchanges: flat all-to-alls, and at granularity pair PXN all-to-alls and dispatches over NVLink and rails, alone and in rounds.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "tests/bench/programs.h"
#include "tests/conformance/both.h"
#include "workloads/pair_program.h"

using namespace weft;
using namespace weft::testing;

namespace {

template <class P, class... Arguments>
Case plain(std::string name, const Ground& g, Arguments... arguments) {
  return {fmt::format("{}, {}", name, g.name), &g, [=] { return std::make_unique<P>(arguments...); }, {}};
}

/// The same at granularity pair, which SimGrid needs where a transfer fans out.
template <class P, class... Arguments>
Case in_pairs(std::string name, const Ground& g, Arguments... arguments) {
  return {fmt::format("{}, {}", name, g.name), &g, [=] { return workloads::pair_program(std::make_unique<P>(arguments...)); }, {}};
}

/// All transfers of a ring as one batch, and a second batch behind the first's middle.
class Batches final : public workloads::Program {
 public:
  explicit Batches(std::uint32_t nodes) : ring_(std::make_shared<Ring>(nodes)) {}
  void start(workloads::Sink& sink) override {
    const OpId after[] = {OpId(ring_->size() / 2)};
    sink.transfers(ring_, OpId(0));
    sink.transfers(ring_, OpId(ring_->size()), after);
  }

 private:
  class Ring final : public workloads::TransferBatch {
   public:
    explicit Ring(std::uint32_t nodes) : nodes_(nodes) {}
    std::uint32_t size() const override { return 3 * nodes_; }
    void read(std::uint32_t k, workloads::Transfer& out) override {
      const std::uint32_t from = k / 3;
      leg_ = {gpu(from), gpu((from + 1 + k % 3) % nodes_), 1};
      out = {};
      out.bytes = Bytes(1e6 + 1e4 * k);
      out.legs = std::span<const workloads::Leg>(&leg_, 1);
    }

   private:
    std::uint32_t nodes_;
    workloads::Leg leg_;
  };
  std::shared_ptr<Ring> ring_;
};

Ground mpft(const char* topology, std::uint32_t nodes) { return {fmt::format("{} of {} nodes", topology, nodes), make_fabric(topology, nodes, "h800", "infiniband"), {}}; }

}  // namespace

TEST_CASE("exchanges of 16 to 64 GPUs, at granularity pair where they fan out: fluid and SimGrid agree to 1e-9") {
  need_simgrid();
  const Ground leaf = mpft(R"({"kind": "mpft"})", 8), leaves = mpft(R"({"kind": "mpft", "radix": 4, "planes": 8})", 8), two = mpft(R"({"kind": "mpft"})", 2);
  const Ground& one_switch = grounds().front();
  std::vector<Case> cases;
  for (const Ground* g : {&leaf, &leaves}) {
    cases.push_back(plain<bench::FlatAllToAll>("flat all-to-all of 64", *g, 8u, 1e6));
    cases.push_back(plain<bench::FlatAllToAll>("flat all-to-all of 32, jittered", *g, 4u, 1e6, 0.01));
    cases.push_back(in_pairs<bench::PxnAllToAll>("all-to-all with PXN of 64", *g, 8u, 1e6));
    cases.push_back(in_pairs<bench::PxnAllToAll>("all-to-all with PXN of 16, jittered", *g, 2u, 1e6, 0.01));
    cases.push_back(in_pairs<bench::Dispatch>("dispatch of 24, all sizes different", *g, 3u, 1e7));
    cases.push_back(in_pairs<bench::Exchanges>("two rounds of exchanges of 64", *g, 1u, 2u, 1e7, false));
  }
  cases.push_back(plain<bench::ComputePipeline>("pipeline of 16 ranks, 200 steps", two, 16u, 200u));
  cases.push_back(plain<Batches>("batches", one_switch, one_switch.nodes()));
  Verdict worst;
  for (const Case& c : cases) {
    const Verdict v = compare(c);
    for (std::size_t i = 0; i < std::min<std::size_t>(v.wrong.size(), 3); ++i) FAIL_CHECK(v.wrong[i]);
    CHECK(v.operations > 20);
    worst.operations += v.operations;
    if (v.worst > worst.worst) worst.worst = v.worst, worst.where = v.where;
  }
  fmt::print("{} programs, {} operations, worst deviation {:.3g} ({})\n", cases.size(), worst.operations, worst.worst, worst.where);
}
