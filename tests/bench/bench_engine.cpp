// How fast the fluid engine is: all-to-alls with and without classes, exchanges with distinct sizes, computation.
#include <benchmark/benchmark.h>

#include "sim/analysis/bound.h"
#include "sim/engine/engine.h"
#include "tests/bench/programs.h"
#include "tests/support/fabrics.h"

using namespace weft;

namespace {

void run(benchmark::State& state, const topology::Fabric& fabric, workloads::Program& program, bool classes) {
  engine::Summary s;
  for (auto _ : state) {
    topology::Router router(fabric, {});
    engine::TimelineSink nobody;
    s = engine::run(router, program, {.classes = classes}, nobody);
    benchmark::DoNotOptimize(s);
  }
  state.counters["flows"] = static_cast<double>(s.flows);
  state.counters["variables"] = static_cast<double>(s.classes);
  state.counters["operations/s"] = benchmark::Counter(static_cast<double>(s.operations), benchmark::Counter::kIsIterationInvariantRate);
}

topology::Fabric mpft(std::uint32_t nodes) { return testing::make_fabric(R"({"kind": "mpft"})", nodes, "h800", "infiniband"); }

/// Arguments: nodes of 8 GPUs, whether classes are merged, jitter of the sizes in per mille.
void all_to_all(benchmark::State& state) {
  const auto nodes = static_cast<std::uint32_t>(state.range(0));
  const auto fabric = mpft(nodes);
  bench::PxnAllToAll program(nodes, 1e9 / nodes / 8, static_cast<double>(state.range(2)) / 1000);
  run(state, fabric, program, state.range(1) != 0);
}
BENCHMARK(all_to_all)->ArgNames({"nodes", "classes", "jitter"})->Unit(benchmark::kMillisecond)
    ->Args({8, 1, 0})->Args({16, 1, 0})->Args({64, 1, 0})->Args({256, 1, 0})
    ->Args({8, 0, 0})->Args({16, 0, 0})->Args({64, 0, 0})
    ->Args({8, 1, 10})->Args({16, 1, 10})->Args({32, 1, 10});

/// Arguments: nodes of 8 GPUs, whether classes are merged, jitter of the sizes in per mille.
void flat_all_to_all(benchmark::State& state) {
  const auto nodes = static_cast<std::uint32_t>(state.range(0));
  const auto fabric = mpft(nodes);
  bench::FlatAllToAll program(nodes, 1e6, static_cast<double>(state.range(2)) / 1000);
  run(state, fabric, program, state.range(1) != 0);
}
BENCHMARK(flat_all_to_all)->ArgNames({"nodes", "classes", "jitter"})->Unit(benchmark::kMillisecond)
    ->Args({8, 1, 0})->Args({64, 1, 0})->Args({256, 1, 0})
    ->Args({8, 0, 0})->Args({64, 0, 0})->Args({256, 0, 0})
    ->Args({8, 0, 10})->Args({16, 0, 10})->Args({8, 1, 10})->Args({16, 1, 10})->Args({32, 1, 10});

/// Arguments: exchanges of each group, whether all sizes differ, groups.
void exchanges(benchmark::State& state) {
  const auto rounds = static_cast<std::uint32_t>(state.range(0));
  const auto groups = static_cast<std::uint32_t>(state.range(2));
  const auto fabric = mpft(8 * groups);
  bench::Exchanges program(groups, rounds, 1e7, state.range(1) != 0);
  run(state, fabric, program, false);
  state.counters["exchanges/s"] = benchmark::Counter(static_cast<double>(groups) * rounds, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(exchanges)->ArgNames({"rounds", "distinct", "groups"})->Unit(benchmark::kMillisecond)
    ->Args({10, 0, 32})->Args({10, 1, 32})->Args({100, 0, 1})->Args({100, 1, 1});

/// Arguments: nodes of 8 GPUs.
void dispatch(benchmark::State& state) {
  const auto nodes = static_cast<std::uint32_t>(state.range(0));
  const auto fabric = mpft(nodes);
  bench::Dispatch program(nodes, 1e7);
  run(state, fabric, program, true);
}
BENCHMARK(dispatch)->ArgName("nodes")->Unit(benchmark::kMillisecond)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->Arg(32);

/// Arguments: ranks, steps of each.
void compute_pipeline(benchmark::State& state) {
  const auto fabric = mpft(1);
  bench::ComputePipeline program(static_cast<std::uint32_t>(state.range(0)), static_cast<std::uint32_t>(state.range(1)));
  run(state, fabric, program, true);
}
BENCHMARK(compute_pipeline)->ArgNames({"ranks", "steps"})->Unit(benchmark::kMillisecond)->Args({16, 2000})->Args({2048, 500})->Args({2048, 4883});

/// Arguments: nodes of 8 GPUs.
void bound(benchmark::State& state) {
  const auto nodes = static_cast<std::uint32_t>(state.range(0));
  const auto fabric = mpft(nodes);
  bench::PxnAllToAll program(nodes, 1e6);
  for (auto _ : state) {
    topology::Router router(fabric, {});
    benchmark::DoNotOptimize(analysis::bound_of(router, program));
  }
}
BENCHMARK(bound)->ArgName("nodes")->Unit(benchmark::kMillisecond)->Arg(16)->Arg(64)->Arg(256);

}  // namespace

BENCHMARK_MAIN();
