// The timeline of a run: lanes, use of links and SMs, labels, arrows, and what is told of which rank.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "sim/analysis/timeline/traced_program.h"
#include "sim/engine/engine.h"
#include "tests/support/storage_fabrics.h"
#include "tests/support/workload_runs.h"
#include "workloads/static_program.h"

using namespace weft;
using analysis::Lanes;
using analysis::LinkUse;

namespace {

using Change = std::pair<std::int64_t, double>;

std::vector<Change> told(LinkUse& use, std::int64_t until) {
  std::vector<Change> out;
  use.tell(until, [&](std::int64_t at, double rate) { out.emplace_back(at, rate); });
  return out;
}

/// Everything that was told.
struct Kept final : analysis::TimelineEvents {
  struct OwnSlice {
    analysis::Slice what;
    std::string name, category, detail;
  };
  void process(std::uint32_t number, std::string_view name, std::string_view place) override { processes[number] = std::string(name) + " " + std::string(place); }
  void thread(analysis::Line line, std::string_view name, std::uint32_t) override { threads[{line.process, line.thread}] = name; }
  void slice(const analysis::Slice& s) override { slices.push_back({s, std::string(s.name), std::string(s.category), std::string(s.detail)}); }
  void arrow_from(std::uint64_t id, analysis::Line line, std::int64_t, std::int64_t end) override { from[id] = {line.process, end}; }
  void arrow_to(std::uint64_t id, analysis::Line line, std::int64_t start) override { to[id] = {line.process, start}; }
  void counter(std::uint32_t process, std::string_view name, std::string_view, std::int64_t at, std::int64_t thousandths) override {
    counters[std::to_string(process) + " " + std::string(name)].emplace_back(at, static_cast<double>(thousandths) / 1000);
  }

  std::map<std::uint32_t, std::string> processes;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> threads;
  std::vector<OwnSlice> slices;
  std::map<std::uint64_t, std::pair<std::uint32_t, std::int64_t>> from, to;
  std::map<std::string, std::vector<Change>> counters;
};

Kept draw(workloads::Program& program, analysis::TraceOptions options = {}, const testing::Ground& ground = testing::Ground(testing::mpft, 4)) {
  Kept kept;
  analysis::TracedProgram traced(program, ground.fabric.placement(), std::move(options), kept);
  topology::Router router(ground.fabric, ground.routing);
  engine::run(router, traced, {}, traced);
  traced.close();
  CHECK(traced.slices() == kept.slices.size());
  std::sort(kept.slices.begin(), kept.slices.end(), [](const auto& a, const auto& b) { return a.what.operation < b.what.operation; });
  return kept;
}

/// Rank 3 computes on 112 SMs while a kernel of two transfers holds 20 of it; then a marker ends the layer.
class Labelled final : public workloads::StaticProgram {
 public:
  Labelled() {
    add_compute(StreamId(5), Seconds(1e-3), 112);
    const workloads::Leg leg{testing::gpu(0, 3), testing::gpu(1, 3), 1};
    add_transfer(Bytes(25e6), std::span(&leg, 1), {});    // each has half of 50 GB/s: 1 ms, then 0.5 ms more for the other
    add_transfer(Bytes(50e6), std::span(&leg, 1), {});
    const OpId all[] = {OpId(0), OpId(1), OpId(2)};
    add_marker(Seconds(1e-4), all);
  }
  bool label(OpId id, workloads::OpLabel& out) const override {
    if (id.value == 1 && silent) return false;
    out.rank = Rank(3);
    out.track = id.value == 0 ? 7 : 20;
    if (id.value == 0) out.name = "attention", out.detail = "layer 4";
    if (id.value == 1 || id.value == 2) out.name = "dispatch", out.sms = 20;
    if (id.value == 3) out.name = "end", out.category = "user_annotation";
    return true;
  }
  std::string track_name(std::uint32_t track) const override { return track == 7 ? "compute" : "communication"; }
  bool silent = false;
};

/// Operation 0 computes for 1 ms; when it has ended, operation 1 is emitted, which names it, and 2 on another stream and 3 behind it,
/// which do not.
class Growing final : public workloads::Program {
 public:
  void start(workloads::Sink& sink) override { sink.compute({OpId(0), StreamId(2), Seconds(1e-3), 8}); }
  void on_complete(OpId id, Seconds, workloads::Sink& sink) override {
    const OpId before[] = {OpId(0)};
    if (id.value != 0) return;
    sink.compute({OpId(1), StreamId(2), Seconds(1e-3), 8}, before);
    sink.compute({OpId(2), StreamId(4), Seconds(1e-3), 8});
    sink.compute({OpId(3), StreamId(4), Seconds(1e-3), 8});
  }
};

std::shared_ptr<workloads::TransferBatch> batch_of(std::uint32_t n) {
  class Batch final : public workloads::TransferBatch {
   public:
    explicit Batch(std::uint32_t n) : n_(n) {}
    std::uint32_t size() const override { return n_; }
    void read(std::uint32_t k, workloads::Transfer& out) override {
      leg_ = {testing::gpu(k % 2), testing::gpu(2 + k % 2), 1};
      out.bytes = Bytes(1e6 * (k + 1));
      out.legs = {&leg_, 1};
    }

   private:
    std::uint32_t n_;
    workloads::Leg leg_;
  };
  return std::make_shared<Batch>(n);
}

class Batched final : public workloads::Program {
 public:
  void start(workloads::Sink& sink) override { sink.transfers(batch_of(40), OpId(0)); }
};

}  // namespace

TEST_CASE("the lowest free lane is taken, also beyond a word of lanes") {
  Lanes lanes;
  for (std::uint32_t i = 0; i < 130; ++i) CHECK(lanes.take() == i);
  for (const std::uint32_t free : {129u, 70u, 3u}) lanes.give_back(free);
  for (const std::uint32_t lowest : {3u, 70u, 129u, 130u}) CHECK(lanes.take() == lowest);
}

TEST_CASE("the use of a link is told when nothing is open any more") {
  LinkUse use;
  const auto a = use.begin(0), b = use.begin(10);
  use.end(b, 20, 2.0);
  CHECK(told(use, 20).empty());   // a may still turn out to be anything
  const auto c = use.begin(30);
  use.end(a, 40, 1.0);
  CHECK(told(use, 40) == std::vector<Change>{{0, 1}, {10, 3}, {20, 1}});
  use.end(c, 50, 5.0);
  CHECK(told(use, 50) == std::vector<Change>{{30, 6}, {40, 5}});
  CHECK(told(use, LinkUse::never) == std::vector<Change>{{50, 0}});
}

TEST_CASE("a transfer that ends where another begins gives one value, and none is left over at the end") {
  LinkUse use;
  use.end(use.begin(0), 10, 0.1);
  use.end(use.begin(10), 30, 0.2);
  use.end(use.begin(10), 20, 0.3);
  CHECK(told(use, LinkUse::never).size() == 4);
  LinkUse again;
  for (int i = 0; i < 1000; ++i) again.end(again.begin(i), i + 3, 0.1 * i);
  CHECK(told(again, LinkUse::never).back() == Change{1002, 0});
}

TEST_CASE("a label says where and as what an operation is drawn") {
  Labelled program;
  const Kept k = draw(program);
  CHECK(k.processes == std::map<std::uint32_t, std::string>{{3, "rank 3 node0.gpu3"}, {11, "rank 11 node1.gpu3"}});   // 11 for its NIC
  CHECK(k.threads.at({3, 7}) == "compute");
  CHECK(k.threads.at({3, 20}) == "communication");
  CHECK(k.threads.at({3, 100000}) == "communication (2)");
  REQUIRE(k.slices.size() == 4);
  CHECK(k.slices[0].name == "attention");
  CHECK(k.slices[0].detail == "layer 4");
  CHECK(k.slices[0].category == "kernel");
  CHECK(k.slices[0].what.end_ns == 1000000);
  CHECK(k.slices[3].name == "end");
  CHECK(k.slices[3].category == "user_annotation");
  CHECK(k.slices[3].what.start_ns == k.slices[2].what.end_ns);
  CHECK(k.from.size() == 3);
  for (const auto& [id, at] : k.to) CHECK(at == std::pair(3u, k.slices[3].what.start_ns));
}

TEST_CASE("SMs in use are those of the computation and once those of a kernel that is many transfers") {
  Labelled program;
  const std::vector<Change> sms = draw(program).counters.at("3 SMs");
  REQUIRE(sms.size() >= 3);
  CHECK(sms.front() == Change{0, 132});
  CHECK(sms.back().second == 0);
  for (const Change& c : sms) CHECK((c.second == 132 || c.second == 20 || c.second == 112 || c.second == 0));
  CHECK(sms.back().first == doctest::Approx(1.5e6).epsilon(1e-3));
}

TEST_CASE("without a label a transfer is drawn where its NIC sends, by the name of its kernel") {
  Labelled program;
  program.silent = true;
  const Kept k = draw(program);
  REQUIRE(k.slices.size() == 4);
  CHECK(k.slices[1].name == "transfer");
  CHECK(k.slices[1].what.to == 11);
  CHECK(k.slices[1].what.bytes == 25e6);
  CHECK(k.threads.at({3, analysis::TracedProgram::network_track}) == "network");
}

TEST_CASE("a ring is drawn once under every rank whose NIC sends, a copy inside a node once under each that sends") {
  workloads::StaticProgram p;
  const auto kernel = p.add_kernel({"ring", {}, {}});
  const workloads::Leg ring[] = {{testing::gpu(0, 1), testing::gpu(0, 2), 1}, {testing::gpu(0, 2), testing::gpu(1, 2), 1},
                                 {testing::gpu(1, 2), testing::gpu(1, 1), 1}, {testing::gpu(1, 1), testing::gpu(0, 1), 1}};
  p.add_transfer(Bytes(1e6), ring, {.kernel = kernel});
  p.add_transfer(Bytes(1e6), std::span(ring, 1), {});
  const Kept k = draw(p);
  std::vector<std::pair<std::uint32_t, std::string>> under;
  for (const auto& s : k.slices) under.emplace_back(s.what.on.process, s.name);
  std::sort(under.begin(), under.end());
  CHECK(under == std::vector<std::pair<std::uint32_t, std::string>>{{1, "transfer"}, {2, "ring"}, {9, "ring"}});
}

TEST_CASE("operations that are emitted late have arrows from the one that has just ended; ranks unknown, streams stand alone") {
  Growing program;
  const Kept k = draw(program);
  REQUIRE(k.slices.size() == 4);
  CHECK(k.processes == std::map<std::uint32_t, std::string>{{32, "streams "}});
  CHECK(k.threads.at({32, 2}) == "stream 2");
  CHECK(k.from.at(1) == std::pair(32u, std::int64_t{1000000}));
  CHECK(k.to.at(1) == std::pair(32u, std::int64_t{1000000}));
  // Operation 2 starts as 0 ends, so it was set off by it; 3 had to wait for its stream.
  CHECK(k.from.size() == 2);
  CHECK(k.from.at(2) == std::pair(32u, std::int64_t{1000000}));
  analysis::TraceOptions some{std::vector<bool>(32, true), true};
  Growing again;
  CHECK(draw(again, some).slices.empty());
  Growing plain;
  CHECK(draw(plain, {{}, false}).from.empty());
}

TEST_CASE("transfers of a batch are drawn one by one, those of other ranks not") {
  Batched program;
  CHECK(draw(program).slices.size() == 40);
  std::vector<bool> first(32, false);
  first[0] = true;
  Batched again;
  const Kept k = draw(again, {first, true});
  CHECK(k.slices.size() == 20);
  for (const auto& s : k.slices) CHECK(s.what.on.process == 0);
  CHECK(k.counters.size() == 1);
}

TEST_CASE("what a GPU reads from a storage node is drawn at the GPU, and no NIC of its rail is said to be used") {
  workloads::StaticProgram program;
  const auto send = [&](const Endpoint& from, const Endpoint& to) {
    const workloads::Leg leg{from, to, 1};
    program.add_transfer(Bytes(62e6), std::span(&leg, 1), {});
  };
  send(testing::ssd(7, 3), testing::gpu(1, 2));   // a number that no node with GPUs has
  send(testing::gpu(3, 0), testing::ssd(1, 3));
  send(testing::ssd(0, 0), testing::ssd(1, 0));
  const Kept kept = draw(program, {}, testing::Ground(testing::make_storage_fabric({.nodes = 8}, testing::mpft, 4)));
  REQUIRE(kept.slices.size() == 2);
  CHECK(kept.slices[0].what.on.process == 10);
  CHECK(kept.slices[1].what.on.process == 24);
  for (const auto& [name, changes] : kept.counters) CHECK(name.find("NIC") == std::string::npos);
}
