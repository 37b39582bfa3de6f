// How fast a timeline is written: by itself, and as part of a run.
#include <benchmark/benchmark.h>

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include "reports/trace/json_trace.h"
#include "sim/analysis/timeline/traced_program.h"
#include "sim/engine/engine.h"
#include "tests/bench/programs.h"
#include "tests/support/fabrics.h"

using namespace weft;

namespace {

/// Starts what a program emits at once and ends it in order, 20 ns apart: an engine that costs next to nothing.
class Instant final : public workloads::Sink {
 public:
  void transfer(const workloads::Transfer& t, std::span<const OpId>) override { emitted_.push_back(t.id); }
  void compute(const workloads::Compute& c, std::span<const OpId>) override { emitted_.push_back(c.id); }
  void marker(OpId id, Seconds, std::span<const OpId>) override { emitted_.push_back(id); }

  std::uint64_t play(workloads::Program& program, engine::TimelineSink& sink) {
    std::uint64_t operations = 0;
    double now = 0;
    std::deque<OpId> running;
    program.start(*this);
    for (;;) {
      for (const OpId id : emitted_) {
        sink.started(id, Seconds(now));
        running.push_back(id);
      }
      emitted_.clear();
      if (running.empty()) return operations;
      const OpId id = running.front();
      running.pop_front();
      now += 20e-9;
      ++operations;
      sink.finished(id, Seconds(now));
      program.on_complete(id, Seconds(now), *this);
    }
  }

 private:
  std::vector<OpId> emitted_;
};

std::string scratch(bool compressed) {
  return (std::filesystem::temp_directory_path() / ("weft_bench_" + std::to_string(::getpid()) + (compressed ? ".json.gz" : ".json"))).string();
}

/// Draws a program into a file that is then removed; `run` plays it. Gives what was written.
template <class Run>
std::uint64_t draw(const std::string& path, workloads::Program& program, Placement placement, Run run) {
  reports::trace::TraceFile file(path);
  reports::trace::JsonTrace json(file);
  analysis::TracedProgram traced(program, placement, {}, json);
  run(traced);
  traced.close();
  json.end({"bench", "", "", ""});
  return file.bytes();   // never committed: the file goes
}

/// Arguments: exchanges of each of 32 groups of 64 GPUs (512 transfers each), whether the file is compressed.
void timeline(benchmark::State& state) {
  const auto rounds = static_cast<std::uint32_t>(state.range(0));
  std::uint64_t bytes = 0, operations = 0;
  for (auto _ : state) {
    bench::Exchanges program(32, rounds, 1e7, false);
    Instant engine;
    bytes = draw(scratch(state.range(1) != 0), program, Placement(256, 8), [&](analysis::TracedProgram& t) { operations = engine.play(t, t); });
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.counters["operations/s"] = benchmark::Counter(static_cast<double>(operations), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["written_MB"] = static_cast<double>(bytes) / 1e6;
}
BENCHMARK(timeline)->ArgNames({"rounds", "gzip"})->Unit(benchmark::kMillisecond)->UseRealTime()->Args({60, 0})->Args({60, 1})->Args({610, 0})->Args({610, 1});

/// Arguments: exchanges of each of 4 groups of 64 GPUs, whether they are drawn.
void run(benchmark::State& state) {
  const auto fabric = testing::make_fabric(R"({"kind": "mpft"})", 32, "h800", "infiniband");
  const auto rounds = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    bench::Exchanges program(4, rounds, 1e7, false);
    topology::Router router(fabric, {});
    engine::TimelineSink nobody;
    if (state.range(1) == 0) benchmark::DoNotOptimize(engine::run(router, program, {.fold = false}, nobody));
    else draw(scratch(false), program, fabric.placement(), [&](analysis::TracedProgram& t) { engine::run(router, t, {}, t); });
  }
}
BENCHMARK(run)->ArgNames({"rounds", "drawn"})->Unit(benchmark::kMillisecond)->UseRealTime()->Args({50, 0})->Args({50, 1});

}  // namespace

BENCHMARK_MAIN();
