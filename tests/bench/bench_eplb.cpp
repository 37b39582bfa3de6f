// How fast EPLB places the experts of all layers.
#include <benchmark/benchmark.h>

#include "workloads/moe/eplb.h"
#include "workloads/moe/popularity.h"

using namespace weft::workloads::moe;

namespace {

void place(benchmark::State& state, const EplbShape& shape) {
  const ExpertLoads loads = loads_of({}, 61, 256, 1);
  for (auto _ : state) {
    EplbPlacement p = rebalance(loads, shape);
    benchmark::DoNotOptimize(p);
  }
}

BENCHMARK_CAPTURE(place, global_ep144, EplbShape{288, 8, 18, 144})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(place, hierarchical_ep32, EplbShape{288, 8, 4, 32})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(place, global_ep320, EplbShape{320, 8, 40, 320})->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
