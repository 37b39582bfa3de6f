// The fluid engine and SimGrid on the same all-to-alls, in one run: CPU time, peak memory, ratio, and whether they agree.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sim/engine/simgrid/simgrid.h"
#include "tests/bench/programs.h"
#include "tests/support/fabrics.h"

using namespace weft;

namespace {

struct Measured {
  double cpu_s = 0, alone_s = 0;   ///< all of it; inside SimGrid alone
  double makespan_s = 0;
  double peak_MB = 0;
};

double cpu_of(const rusage& u) {
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

/// In a process of its own, as SimGrid runs: so that peaks of memory are comparable.
Measured fluid(const topology::Fabric& fabric, workloads::Program& program, bool classes) {
  Measured m;
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  const pid_t pid = ::fork();
  if (pid == 0) {
    topology::Router router(fabric, {});
    engine::TimelineSink nobody;
    engine::Options options;
    options.classes = classes;
    options.fold = false;
    const double makespan = engine::run(router, program, options, nobody).makespan.value();
    ::_exit(::write(ends[1], &makespan, sizeof makespan) == sizeof makespan ? 0 : 1);
  }
  ::close(ends[1]);
  if (::read(ends[0], &m.makespan_s, sizeof m.makespan_s) != sizeof m.makespan_s) std::abort();
  ::close(ends[0]);
  rusage use{};
  ::wait4(pid, nullptr, 0, &use);
  m.cpu_s = m.alone_s = cpu_of(use);
  m.peak_MB = static_cast<double>(use.ru_maxrss) / 1000;
  return m;
}

Measured simgrid(const topology::Fabric& fabric, workloads::Program& program) {
  topology::Router router(fabric, {});
  engine::TimelineSink nobody;
  engine::SimgridUse use;
  const auto summary = engine::run_simgrid(router, program, {}, nobody, {.use = &use});
  return {use.cpu_s, use.simgrid_cpu_s, summary.makespan.value(), static_cast<double>(use.peak_bytes) / 1e6};
}

/// The run with the median CPU time of as many as take a second, at most eleven.
Measured median(const std::function<Measured()>& run) {
  std::vector<Measured> all;
  double sum = 0;
  while (all.empty() || (sum < 1 && all.size() < 11)) {
    all.push_back(run());
    sum += all.back().cpu_s;
  }
  std::sort(all.begin(), all.end(), [](const Measured& a, const Measured& b) { return a.cpu_s < b.cpu_s; });
  return all[all.size() / 2];
}

void compare(std::uint32_t nodes, double jitter) {
  const auto fabric = testing::make_fabric(R"({"kind": "mpft"})", nodes, "h800", "infiniband");
  bench::FlatAllToAll program(nodes, 1e6, jitter);
  const Measured reference = median([&] { return simgrid(fabric, program); });
  for (const bool classes : {false, true}) {
    const Measured m = median([&] { return fluid(fabric, program, classes); });
    fmt::print("| {} | {} | {} | {:.3g} | {:.3g} | {:.0f} | {:.3g} | {:.0f} | {:.0f} | {:.0f} | {:.1e} |\n", 8 * nodes, jitter == 0 ? "-" : "1 %",
               classes ? "on" : "off", reference.cpu_s, reference.alone_s, reference.peak_MB, m.cpu_s, m.peak_MB, reference.alone_s / m.cpu_s,
               reference.cpu_s / m.cpu_s, std::abs(m.makespan_s / reference.makespan_s - 1));
    std::fflush(stdout);
  }
}

}  // namespace

/// Argument: GPUs of the largest case (default 512; 64 takes a second, 512 minutes).
int main(int argc, char** argv) {
  const int most = argc > 1 ? std::atoi(argv[1]) : 512;
  const auto module = engine::load_simgrid();
  if (module == nullptr) {
    fmt::print(stderr, "SimGrid's module is not built: apt-get install libsimgrid-dev, then configure and build again\n");
    return 77;
  }
  fmt::print("| GPUs | jitter | classes | SimGrid, all (s) | SimGrid alone (s) | MB | fluid (s) | MB | ratio, alone | ratio, all | makespans differ by |\n"
             "|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const int gpus : {64, 128, 256, 512}) {
    if (gpus > most) continue;
    compare(static_cast<std::uint32_t>(gpus / 8), 0);
    if (gpus <= 128) compare(static_cast<std::uint32_t>(gpus / 8), 0.01);
  }
  return 0;
}
