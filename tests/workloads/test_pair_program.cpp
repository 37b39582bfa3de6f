// Granularity `pair`: transfers that fan out or gather become plain flows, with the same bytes on every link.
#include <doctest/doctest.h>

#include <map>

#include "sim/engine/engine.h"
#include "tests/support/workload_runs.h"
#include "workloads/pair_program.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;
using doctest::Approx;

namespace {

using Link = std::pair<Place, Place>;
struct Less {
  bool operator()(const Link& a, const Link& b) const {
    const auto key = [](const Link& l) { return std::array{l.first.node.value, l.first.local, l.second.node.value, l.second.local}; };
    return key(a) < key(b);
  }
};
using BytesOn = std::map<Link, double, Less>;

/// Bytes between each two ends, over all that a program emits at its start.
BytesOn bytes_on(const RecordingSink& sink) {
  BytesOn sum;
  for (const RecordedTransfer& t : sink.transfers)
    for (const Leg& l : t.legs) sum[{{l.from.node, l.from.local}, {l.to.node, l.to.local}}] += t.what.bytes.value() * l.share;
  return sum;
}

RecordingSink taken_apart(std::unique_ptr<Program> p) {
  RecordingSink sink;
  pair_program(std::move(p))->start(sink);
  return sink;
}

/// A program of one transfer.
std::unique_ptr<StaticProgram> one(double bytes, const std::vector<Leg>& legs, const StaticProgram::TransferOptions& options = {}) {
  auto p = std::make_unique<StaticProgram>();
  p->add_transfer(Bytes(bytes), legs, options);
  return p;
}

void same_bytes(const BytesOn& a, const BytesOn& b) {
  CHECK(a.size() == b.size());
  for (const auto& [link, bytes] : a) CHECK(b.at(link) == Approx(bytes).epsilon(1e-12));
}

/// What a case emits, whole and taken apart: the same bytes everywhere, and all shares 1.
void conserves(const std::string& workload, std::uint32_t nodes, std::vector<Place> lost = {}) {
  const auto cases = workload_from(workload)->cases(view_of(nodes, std::move(lost)));
  for (const Case& c : cases) {
    const RecordingSink whole = record(c), parts = taken_apart(c.program(0));
    same_bytes(bytes_on(whole), bytes_on(parts));
    double weight = 0, weight_of_parts = 0;
    for (const RecordedTransfer& t : parts.transfers) {
      for (const Leg& l : t.legs) CHECK(l.share == 1);
      CHECK(t.legs.size() <= 3);
    }
    for (const RecordedTransfer& t : whole.transfers) weight += t.what.weight * t.legs.back().share;
    for (const RecordedTransfer& t : parts.transfers) weight_of_parts += t.what.weight;
    CHECK(weight > 0);
    CHECK(weight_of_parts > 0);
  }
}

}  // namespace

TEST_CASE("pair: a message gathered from three GPUs becomes a chain per GPU and the sender's own part") {
  // PXN with 4 GPUs a node: legs i -> 0 of 1/4 each, then 0 -> 0 of the other node. The network's stretch holds three quarters
  // that come over NVLink and a quarter that GPU 0 has already.
  const auto p = taken_apart(one(8, {{gpu(0, 1), gpu(0), 0.25}, {gpu(0, 2), gpu(0), 0.25}, {gpu(0, 3), gpu(0), 0.25}, {gpu(0), gpu(1), 1}},
                                 {.weight = 4, .rate_cap = BytesPerSecond(12), .flow_key = 9}));
  REQUIRE(p.transfers.size() == 4);
  for (std::uint32_t i = 0; i < 3; ++i) {
    REQUIRE(p.transfers[i].legs.size() == 2);
    CHECK(p.transfers[i].legs[0].from == gpu(0, i + 1));
    CHECK(p.transfers[i].legs[1].to == gpu(1));
  }
  CHECK(p.transfers[3].legs.size() == 1);
  for (const auto& t : p.transfers) {
    CHECK(t.what.bytes.value() == 2);
    CHECK(t.what.weight == 1);
    CHECK(t.what.rate_cap->value() == 3);
    CHECK(t.what.flow_key == 9);
  }
  CHECK(p.markers == std::vector<OpId>{OpId(1), OpId(0)});   // the head, and what stands for the transfer
}

TEST_CASE("pair: copies beyond the network's bytes go as flows of their own inside the node") {
  // A dispatch after deduplication: 10 bytes over the network, 0.5 + 0.4 + 0.3 = 1.2 of them copied. Chains: 5 to GPU 1, 4 to GPU 2,
  // 1 to GPU 3; the other 2 bytes to GPU 3 over NVLink alone.
  const auto p = taken_apart(one(10, {{gpu(0), gpu(1), 1}, {gpu(1), gpu(1, 1), 0.5}, {gpu(1), gpu(1, 2), 0.4}, {gpu(1), gpu(1, 3), 0.3}}));
  REQUIRE(p.transfers.size() == 4);
  const double bytes[] = {5, 4, 1, 2};
  const std::size_t legs[] = {2, 2, 2, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(p.transfers[i].what.bytes.value() == Approx(bytes[i]).epsilon(1e-12));
    CHECK(p.transfers[i].legs.size() == legs[i]);
    CHECK(p.transfers[i].legs.back().to == gpu(1, static_cast<std::uint32_t>(std::min<std::size_t>(i, 2) + 1)));
  }
}

TEST_CASE("pair: what is gathered and spread is cut where either changes") {
  // before: 0.5 + 0.5; after: 0.25, the rest stays. Cuts at 0.25 and 0.5: (1 -> 0 -> far -> far 1), (1 -> 0 -> far), (2 -> 0 -> far)
  const auto p = taken_apart(one(4, {{gpu(0, 1), gpu(0), 0.5}, {gpu(0, 2), gpu(0), 0.5}, {gpu(0), gpu(1), 1}, {gpu(1), gpu(1, 1), 0.25}}));
  REQUIRE(p.transfers.size() == 3);
  CHECK(p.transfers[0].legs.size() == 3);
  CHECK(p.transfers[1].legs.size() == 2);
  CHECK(p.transfers[2].legs.size() == 2);
  CHECK(p.transfers[0].what.bytes.value() == 1);
  CHECK(p.transfers[2].what.bytes.value() == 2);
}

TEST_CASE("pair: chains of one share stay what they are, a fan of whole copies does not") {
  const auto chain = taken_apart(one(4, {{gpu(0), gpu(1), 1}, {gpu(1), gpu(1, 1), 1}}));
  REQUIRE(chain.transfers.size() == 1);
  CHECK(chain.transfers[0].what.id == OpId(0));
  CHECK(chain.transfers[0].legs.size() == 2);
  CHECK(chain.markers.empty());
  // half of the bytes everywhere is a chain of half the bytes
  const auto half = taken_apart(one(4, {{gpu(0), gpu(1), 0.5}, {gpu(1), gpu(1, 1), 0.5}}, {.weight = 2}));
  REQUIRE(half.transfers.size() == 1);
  CHECK(half.transfers[0].what.bytes.value() == 2);
  CHECK(half.transfers[0].what.weight == 1);
  // GPU 0's port would carry every byte twice
  const auto fan = taken_apart(one(4, {{gpu(0), gpu(0, 1), 1}, {gpu(0), gpu(0, 2), 1}}));
  CHECK(fan.transfers.size() == 2);
}

TEST_CASE("pair: every collective keeps its bytes on every link, with lost rails too") {
  conserves(R"({"kind": "all_to_all", "gpus": 32, "sizes": "32 MiB"})", 4);
  conserves(R"({"kind": "all_to_all", "gpus": 32, "sizes": "32 MiB", "on_lost_nic": "rebalance"})", 4, {{NodeId(1), 3}});
  conserves(R"({"kind": "deepep_dispatch", "ep": 32, "tokens": 64})", 4);
  conserves(R"({"kind": "deepep_combine", "ep": 32, "tokens": 64})", 4);
  conserves(R"({"kind": "deepep_dispatch", "ep": 32, "tokens": 64, "on_lost_nic": "neighbour"})", 4, {{NodeId(2), 0}});
}

namespace {

/// Two transfers, one after the other, of which the program wants to hear once each, in order.
class Twice final : public Program {
 public:
  explicit Twice(std::vector<OpId>& heard) : heard_(heard) {}
  void start(Sink& sink) override { emit(0, sink); }
  void on_complete(OpId id, Seconds, Sink& sink) override {
    heard_.push_back(id);
    if (id == OpId(0)) emit(1, sink);
    if (id == OpId(1)) {
      const OpId after[] = {OpId(0), OpId(1)};
      sink.compute({OpId(2), StreamId(0), Seconds(1)}, after);
    }
  }

 private:
  static void emit(std::uint32_t id, Sink& sink) {
    const Leg legs[] = {{gpu(0), gpu(1), 1}, {gpu(1), gpu(1, 1), 0.5}, {gpu(1), gpu(1, 2), 0.5}};
    Transfer t;
    t.id = OpId(id);
    t.bytes = Bytes(1e9);
    t.legs = legs;
    t.latency_mode = LatencyMode::none;
    sink.transfer(t);
  }
  std::vector<OpId>& heard_;
};

}  // namespace

TEST_CASE("pair: the program inside hears once of each of its operations, and ids say which is which") {
  std::vector<OpId> heard;
  const auto p = pair_program(std::make_unique<Twice>(heard));
  const auto f = make_fabric(R"({"kind": "mpft"})", 2);
  topology::Router router(f, {});
  OutcomeKeeper keeper;
  const auto s = engine::run(router, *p, {}, keeper);
  CHECK(heard == std::vector<OpId>{OpId(0), OpId(1), OpId(2)});
  CHECK(s.operations == 2 * 4 + 1);   // a head, two parts and a marker for each; the computation
  CHECK(PairProgram::role(OpId(4)) == PairProgram::Role::head);
  CHECK(PairProgram::original(OpId(4)) == OpId(1));
  CHECK(PairProgram::role(OpId(6)) == PairProgram::Role::whole);
  CHECK(PairProgram::original(OpId(6)) == OpId(2));
  CHECK(PairProgram::role(OpId(5)) == PairProgram::Role::part);
  // each transfer: two flows of 0.5 GB share a NIC of 50 GB/s: 0.02 s; then the computation
  CHECK(s.makespan.value() == Approx(0.04 + 1).epsilon(1e-9));
}
