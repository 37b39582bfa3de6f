// How many bytes a second this machine's memory moves: the floor under whatever touches its data once.
#include <benchmark/benchmark.h>

#include <vector>

namespace {

/// 3 arrays of 256 MiB are far more than any cache: a[i] = b[i] + 3 c[i] reads two and writes one. As in STREAM, 24 bytes count
/// for each i; what a cache reads before it overwrites does not.
void triad(benchmark::State& state) {
  const std::size_t n = std::size_t{1} << 25;
  std::vector<double> a(n, 1), b(n, 2), c(n, 3);
  for (auto _ : state) {
    for (std::size_t i = 0; i < n; ++i) a[i] = b[i] + 3 * c[i];
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * 24 * n));
}
BENCHMARK(triad)->Unit(benchmark::kMillisecond);

/// Reads one word of each of 2^22 cache lines in random order, each where the last one says: what a pointer costs that hits no cache.
void chase(benchmark::State& state) {
  struct alignas(64) Line {
    std::size_t next;
  };
  const std::size_t n = std::size_t{1} << 22;
  std::vector<Line> lines(n);
  // x -> (x * a + c) mod 2^22 with a - 1 a multiple of 4 and c odd passes through all numbers.
  for (std::size_t i = 0; i < n; ++i) lines[i].next = (i * 1664525 + 1013904223) % n;
  std::size_t at = 0;
  for (auto _ : state) benchmark::DoNotOptimize(at = lines[at].next);
}
BENCHMARK(chase);

}  // namespace

BENCHMARK_MAIN();
