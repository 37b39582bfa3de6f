// Loads of a training step: what is drawn is what the gate drew, means are kept, and what a step sends is what its loads say.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "tests/workloads/training_runs.h"

using namespace weft;
using namespace weft::workloads;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;
using weft::testing::Ground;
using doctest::Approx;

namespace {

constexpr std::uint32_t kRanks = 16, kPerNode = 8, kNodes = kRanks / kPerNode, kTokens = 256;

RoutingChoice choice(bool drawn, double imbalance = 0, std::uint64_t seed = 1) {
  return {{moe::GateRule::v3, 64, 8, 4, 8}, kTokens, drawn, imbalance, seed};
}

struct Sent {
  std::array<double, kNodes> messages;
  std::array<double, kRanks> copies;
};

Sent sent(const StepLoads& loads, std::uint32_t routing, std::uint32_t layer, std::uint32_t group, std::uint32_t from) {
  Sent s;
  for (std::uint32_t b = 0; b < kNodes; ++b) s.messages[b] = loads.messages(routing, layer, group, from, b, std::span(s.copies).subspan(b * kPerNode, kPerNode));
  return s;
}

double sum(std::span<const double> list) { return std::accumulate(list.begin(), list.end(), 0.0); }
double mean_rows(const StepLoads& loads, std::uint32_t routing, std::uint32_t layer) {
  double all = 0;
  for (std::uint32_t r = 0; r < kRanks; ++r) all += loads.rows(routing, layer, 0, r);
  return all / kRanks;
}

/// What goes over NICs and over NVLink in all transfers of the expert exchanges' kernel.
class Bytewise final : public Whole, private Sink {
 public:
  using Whole::Whole;
  void start(Sink& sink) override { out_ = &sink, Whole::start(*this); }
  void on_complete(OpId id, Seconds t, Sink& sink) override { out_ = &sink, Whole::on_complete(id, t, *this); }
  double over_nic = 0, over_nvlink = 0;

 private:
  void transfer(const Transfer& t, std::span<const OpId> after) override {
    for (const Leg& leg : t.legs) {
      if (t.kernel == KernelId(0)) (leg.from.node == leg.to.node ? over_nvlink : over_nic) += t.bytes.value() * leg.share;
    }
    out_->transfer(t, after);
  }
  void compute(const Compute& c, std::span<const OpId> after) override { out_->compute(c, after); }
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override { out_->marker(id, delay, after); }
  Sink* out_ = nullptr;
};

}  // namespace

TEST_CASE("expected loads are the gate's fan-out, spread over nodes and ranks alike") {
  const StepLoads loads(choice(false), kRanks, kPerNode);
  const moe::FanOut fan_out = moe::expected_fan_out(choice(false).gate, {kRanks, kPerNode, kTokens}, 1);
  const Sent s = sent(loads, 3, 0, 0, 5);
  for (const double m : s.messages) CHECK(m == Approx(kTokens * fan_out.nodes / kNodes).epsilon(1e-12));
  for (const double c : s.copies) CHECK(c == Approx(kTokens * fan_out.ranks / kRanks).epsilon(1e-12));
  CHECK(loads.rows(3, 0, 0, 5) == 1);
}

// Nodes and ranks of a node are turned round, so their sums and their fullest and emptiest stay.
TEST_CASE("what a rank sends, when drawn, is what the gate drew for one of the ranks: no token is lost and none is new") {
  const StepLoads loads(choice(true), kRanks, kPerNode);
  const moe::RoutingTable table = moe::sample_routing(choice(true).gate, {kRanks, kPerNode, kTokens}, 1);
  const auto sorted = [](auto list) {
    std::sort(list.begin(), list.end());
    return list;
  };
  std::vector<int> used(kRanks);
  for (std::uint32_t routing = 0; routing < 20; ++routing) {
    for (std::uint32_t from = 0; from < kRanks; ++from) {
      const Sent s = sent(loads, routing, routing % 4, routing % 2, from);
      bool found = false;
      for (std::uint32_t r = 0; r < kRanks && !found; ++r) {
        Sent drawn;
        for (std::uint32_t b = 0; b < kNodes; ++b) drawn.messages[b] = table.message(r, b);
        for (std::uint32_t q = 0; q < kRanks; ++q) drawn.copies[q] = table.copy(r, q);
        found = sorted(drawn.messages) == sorted(s.messages) && sorted(drawn.copies) == sorted(s.copies);
        if (found) ++used[r];
      }
      CHECK(found);
      // A token on a node has at least one of its ranks, and at most eight.
      for (std::uint32_t b = 0; b < kNodes; ++b) {
        const auto of_block = std::span(s.copies).subspan(b * kPerNode, kPerNode);
        CHECK(s.messages[b] >= *std::max_element(of_block.begin(), of_block.end()));
        CHECK(s.messages[b] <= sum(of_block));
      }
    }
  }
  CHECK(std::count(used.begin(), used.end(), 0) == 0);   // 320 times one of 16: all have their turn
}

TEST_CASE("routed rows are 1 on average over a group's ranks, exactly, and differ between ranks, layers and micro-batches") {
  const StepLoads loads(choice(true), kRanks, kPerNode);
  for (std::uint32_t routing = 0; routing < 50; ++routing) CHECK(mean_rows(loads, routing, 0) == Approx(1).epsilon(1e-9));
  CHECK(loads.rows(0, 0, 0, 0) != loads.rows(0, 0, 0, 1));
  CHECK(loads.rows(0, 0, 0, 0) != loads.rows(1, 0, 0, 0));
  CHECK(loads.rows(0, 0, 0, 0) != loads.rows(0, 0, 1, 0));
}

// Over R routings of a rank's kTokens tokens a node gets kTokens x mean_blocks / nodes of them, give or take: a token's chance p to reach a node has a deviation
// sqrt(p (1 - p) / (kTokens R)), of which four are allowed, and the pool's own, sqrt(p (1 - p) / (kTokens x ranks)).
TEST_CASE("over many micro-batches no node and no rank is favoured") {
  const StepLoads loads(choice(true), kRanks, kPerNode);
  constexpr int routings = 2000;
  Sent all{};
  for (std::uint32_t routing = 0; routing < routings; ++routing) {
    const Sent s = sent(loads, routing, 0, 0, 3);
    for (std::uint32_t b = 0; b < kNodes; ++b) all.messages[b] += s.messages[b] / routings / kTokens;
    for (std::uint32_t q = 0; q < kRanks; ++q) all.copies[q] += s.copies[q] / routings / kTokens;
  }
  const auto allowed = [](double p) { return 4 * std::sqrt(p * (1 - p) / kTokens) * (1 / std::sqrt(double{routings}) + 1 / std::sqrt(double{kRanks})); };
  const double to_node = loads.mean_blocks() / kNodes, to_rank = loads.mean_ranks() / kRanks;
  for (const double m : all.messages) CHECK(std::abs(m - to_node) < allowed(to_node));
  for (const double c : all.copies) CHECK(std::abs(c - to_rank) < allowed(to_rank));
}

TEST_CASE("the same seed draws the same loads, another one others, and the order of asking is nothing") {
  const StepLoads a(choice(true, 0.3), kRanks, kPerNode), b(choice(true, 0.3), kRanks, kPerNode), other(choice(true, 0.3, 2), kRanks, kPerNode);
  std::vector<double> forth, back;
  for (std::uint32_t r = 0; r < kRanks; ++r) forth.push_back(a.rows(7, 3, 0, r));
  for (std::uint32_t r = kRanks; r-- > 0;) back.push_back(b.rows(7, 3, 0, r));
  std::reverse(back.begin(), back.end());
  CHECK(forth == back);
  CHECK(other.rows(7, 3, 0, 0) != forth[0]);
}

// With popularity p of a rank its rows are p times what they were: p is the same for all micro-batches of a layer, and its mean over ranks is 1.
TEST_CASE("imbalance makes some ranks' experts popular through a whole step and keeps the mean over ranks") {
  const StepLoads even(choice(true), kRanks, kPerNode), uneven(choice(true, 0.6), kRanks, kPerNode);
  std::map<std::uint32_t, std::array<double, kRanks>> popularity;   // by layer
  double spread = 0;
  for (const std::uint32_t layer : {0u, 1u, 63u}) {
    for (std::uint32_t r = 0; r < kRanks; ++r) {
      double& p = popularity[layer][r];
      p = uneven.rows(layer, layer, 0, r) / even.rows(layer, layer, 0, r);
      CHECK(uneven.rows(layer + 640, layer, 1, r) == Approx(p * even.rows(layer + 640, layer, 1, r)).epsilon(1e-6));
      spread += (p - 1) * (p - 1) / kRanks / 3;
    }
    CHECK(sum(popularity[layer]) / kRanks == Approx(1).epsilon(1e-6));
  }
  CHECK(popularity[0] != popularity[1]);
  // A rank has 4 experts: the deviation of their mean is that of a lognormal, sqrt(e^(0.36) - 1) = 0.66 of the mean, over sqrt(4).
  CHECK(std::sqrt(spread) == Approx(0.66 / 2).epsilon(0.3));
  for (std::uint32_t from = 0; from < kRanks; ++from) {
    const Sent s = sent(uneven, 5, 5, 0, from);
    for (std::uint32_t q = 0; q < kRanks; ++q) CHECK(s.copies[q] <= s.messages[q / kPerNode]);
    for (const double m : s.messages) CHECK(m <= kTokens);
  }
}

// Each of 4 micro-batches crosses each MoE layer four times: FP8 copies out and BF16 copies back, forward and backward.
TEST_CASE("a step sends the bytes of its loads, over NICs once a node and over NVLink once a rank that is not where they arrive") {
  const Ground ground(testing::mpft, 4, "h800", "infiniband");
  for (const std::string more : {"", R"(, "routing": "drawn")", R"(, "routing": "drawn", "imbalance": 0.5)"}) {
    CAPTURE(more);
    const StepSetup setup = step_setup(R"("model": )" + small_model(0, 2) + R"(, "schedule": "1f1b", "pp": 2, "ep": 16, "micro_batches": 4, "sequence": 256)" + more);
    const PreparedStep step = prepared(setup, ground);
    Bytewise program(std::make_unique<StepProgram>(step.job));
    ground.makespan(program);
    double over_nic = 0, over_nvlink = 0;
    for (std::uint32_t routing = 0; routing < 4 * 2; ++routing) {   // micro-batch x layers + layer
      for (std::uint32_t from = 0; from < kRanks; ++from) {
        const Sent s = sent(*step.job->loads, routing, routing % 2, 0, from);
        for (std::uint32_t b = 0; b < kNodes; ++b) over_nic += b == from / kPerNode ? 0 : s.messages[b];
        for (std::uint32_t q = 0; q < kRanks; ++q) over_nvlink += q % kPerNode == from % kPerNode ? 0 : s.copies[q];
      }
    }
    CHECK(program.over_nic == Approx(2 * (7392 + 14336) * over_nic).epsilon(1e-9));
    CHECK(program.over_nvlink == Approx(2 * (7392 + 14336) * over_nvlink).epsilon(1e-9));
  }
}
