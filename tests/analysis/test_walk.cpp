// The walk behind the bound: order, dependencies, and memory that follows what waits.
#include <doctest/doctest.h>

#include <functional>

#include "sim/analysis/bound_walk.h"
#include "tests/bench/programs.h"

using namespace weft;
using namespace weft::analysis;

namespace {

/// Emits by hand and remembers what it hears.
struct Script final : workloads::Program {
  std::function<void(workloads::Sink&)> begin;
  std::function<void(OpId, workloads::Sink&)> then;
  std::vector<std::pair<std::uint32_t, double>> heard;
  void start(workloads::Sink& sink) override { begin(sink); }
  void on_complete(OpId id, Seconds t, workloads::Sink& sink) override {
    heard.emplace_back(id.value, t.value());
    if (then) then(id, sink);
  }
};

/// Transfers that take 1 s, but number 2 of the batch 3 s (their sizes).
struct Batch final : workloads::TransferBatch {
  std::uint32_t size() const override { return 4; }
  void read(std::uint32_t k, workloads::Transfer& out) override { out.bytes = Bytes(k == 2 ? 3 : 1); }
};

double walk(workloads::Program& p) {
  return Walk([](const workloads::Transfer& t) { return t.bytes.value(); }).run(p);
}

}  // namespace

TEST_CASE("a batch ends in order of time and id, and what waits for one of it goes on then") {
  Script p;
  p.begin = [](workloads::Sink& sink) {
    const OpId slow[] = {OpId(12)}, fast[] = {OpId(11), OpId(13)};
    sink.marker(OpId(1), Seconds(1), slow);   // waits for what is not known yet
    sink.transfers(std::make_shared<Batch>(), OpId(10));
    sink.marker(OpId(0), Seconds(1), fast);
  };
  CHECK(walk(p) == 4);
  const std::vector<std::pair<std::uint32_t, double>> expected{{10, 1}, {11, 1}, {13, 1}, {0, 2}, {12, 3}, {1, 4}};
  CHECK(p.heard == expected);
}

TEST_CASE("a batch that waits begins when the last of what it waits for has ended") {
  Script p;
  p.begin = [](workloads::Sink& sink) {
    sink.marker(OpId(0), Seconds(2));
    const OpId after[] = {OpId(0)};
    sink.transfers(std::make_shared<Batch>(), OpId(1), after);
  };
  CHECK(walk(p) == 5);
  CHECK(p.heard.size() == 5);
}

TEST_CASE("streams are first-in first-out, finished ids count as done, and an operation without end is left out") {
  Script p;
  p.begin = [](workloads::Sink& sink) {
    sink.compute({OpId(0), StreamId(0), Seconds(1)});
    sink.compute({OpId(1), StreamId(0), Seconds(1)});
    const OpId nobody[] = {OpId(99)};
    sink.marker(OpId(2), Seconds(50), nobody);
  };
  p.then = [](OpId id, workloads::Sink& sink) {
    const OpId done[] = {OpId(0), OpId(1)};
    if (id == OpId(1)) sink.marker(OpId(3), Seconds(0.5), done);
  };
  CHECK(walk(p) == 2.5);
}

TEST_CASE("ids far apart cost what their pages cost, not the space between") {
  IdSet set;
  set.insert(5);
  set.insert(1u << 31);
  CHECK(set.contains(5));
  CHECK(set.contains(1u << 31));
  CHECK_FALSE(set.contains(6));
  CHECK_FALSE(set.contains((1u << 31) + 64));
  IdMap map;
  map.insert(7, 1);
  map.insert(1u << 31, 2);
  map.erase(7);
  CHECK(map.find(7) == IdMap::none);
  CHECK(map.find(1u << 31) == 2);
}

TEST_CASE("a pipeline of computations takes as long by the walk as by its algebra") {
  // 16 ranks, 50 steps of about 1 ms, each after its own last and its neighbour's: between 50 and (50 + 15) * 1.001 ms
  bench::ComputePipeline pipeline(16, 50);
  const double t = walk(pipeline);
  CHECK(t >= 50e-3);
  CHECK(t <= 65 * 1.001e-3);
}
