// What dividing a program into parts is worth: the same exchanges whole, in parts, and in parts on two threads.
#include <benchmark/benchmark.h>

#include "sim/engine/engine.h"
#include "tests/bench/programs.h"
#include "tests/support/fabrics.h"

using namespace weft;

namespace {

/// Hears of nothing.
struct Nobody final : engine::TimelineSink {
  bool wants_operations() const override { return false; }
};

/// Arguments: exchanges of each of 32 groups of 64 GPUs, whether all sizes differ, threads (0: undivided).
void exchanges(benchmark::State& state) {
  const auto rounds = static_cast<std::uint32_t>(state.range(0));
  const auto threads = static_cast<unsigned>(state.range(2));
  const auto fabric = testing::make_fabric(R"({"kind": "mpft"})", 256, "h800", "infiniband");
  bench::Exchanges program(32, rounds, 1e7, state.range(1) != 0, threads > 0);
  for (auto _ : state) {
    topology::Router router(fabric, {});
    Nobody nobody;
    benchmark::DoNotOptimize(engine::run(router, program, {.classes = false, .fold = false, .threads = threads}, nobody));
  }
  state.counters["exchanges/s"] = benchmark::Counter(32.0 * rounds, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(exchanges)->ArgNames({"rounds", "distinct", "threads"})->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()->UseRealTime()
    ->Args({100, 0, 0})->Args({100, 0, 1})->Args({100, 0, 2})->Args({100, 1, 0})->Args({100, 1, 1})->Args({100, 1, 2});

/// Argument: nodes of 8 GPUs on an MPFT. What a thread pays once for a router of its own.
void router(benchmark::State& state) {
  const auto fabric = testing::make_fabric(R"({"kind": "mpft"})", static_cast<std::uint32_t>(state.range(0)), "h800", "infiniband");
  for (auto _ : state) {
    topology::Router router(fabric, {});
    benchmark::DoNotOptimize(router.segment_count());
  }
}
BENCHMARK(router)->ArgName("nodes")->Unit(benchmark::kMillisecond)->Arg(256);

}  // namespace

BENCHMARK_MAIN();
