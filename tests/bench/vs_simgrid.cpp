// The fluid engine and SimGrid on the same all-to-alls, in one run: CPU time, peak memory, ratios, and whether they agree.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sim/engine/simgrid/machine.h"
#include "sim/engine/simgrid/simgrid.h"
#include "tests/bench/programs.h"
#include "tests/support/fabrics.h"

using namespace weft;

namespace {

struct Measured {
  double cpu_s = 0, makespan_s = 0, peak_MB = 0;
};

double cpu_of(const rusage& u) {
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

/// `run` gives a makespan, in a process of its own, as SimGrid needs it: so that peaks of memory are comparable too.
Measured in_a_process(const std::function<void(std::function<void(double)> tell)>& run) {
  Measured m;
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  const pid_t pid = ::fork();
  if (pid == 0) {
    run([&](double makespan) { ::_exit(::write(ends[1], &makespan, sizeof makespan) == sizeof makespan ? 0 : 1); });
    ::_exit(1);
  }
  ::close(ends[1]);
  if (::read(ends[0], &m.makespan_s, sizeof m.makespan_s) != sizeof m.makespan_s) std::abort();
  ::close(ends[0]);
  rusage use{};
  ::wait4(pid, nullptr, 0, &use);
  m.cpu_s = cpu_of(use);
  m.peak_MB = static_cast<double>(use.ru_maxrss) / 1000;
  return m;
}

Measured fluid(const topology::Fabric& fabric, workloads::Program& program, bool classes) {
  return in_a_process([&](const std::function<void(double)>& tell) {
    topology::Router router(fabric, {});
    engine::TimelineSink nobody;
    engine::Options options;
    options.classes = classes;
    options.fold = false;
    tell(engine::run(router, program, options, nobody).makespan.value());
  });
}

/// The all-to-all as one writes it for SimGrid alone: NICs and NVLink ports are all the links there are (no PCIe, no
/// headers), routes are known, nothing waits for anything.
struct PlainAllToAll {
  PlainAllToAll(std::uint32_t gpus, double bytes, double jitter) {
    traffic.actors = gpus;
    const std::uint32_t nic_up = 0, nic_down = gpus, nvlink_up = 2 * gpus, nvlink_down = 3 * gpus;
    links.assign(2 * gpus, 50e9);
    links.resize(4 * gpus, 200e9);
    for (std::uint32_t a = 0; a < gpus; ++a) {
      for (std::uint32_t b = 0; b < gpus; ++b) {
        if (a == b) continue;
        const std::uint32_t middle = b / 8 * 8 + a % 8, id = static_cast<std::uint32_t>(flows.size());
        const auto first = static_cast<std::uint32_t>(path.size());
        if (a != middle) path.insert(path.end(), {nic_up + a, nic_down + middle});
        if (middle != b) path.insert(path.end(), {nvlink_up + middle, nvlink_down + b});
        const double size = jitter == 0 ? bytes : bytes * (1 + jitter * (Draws(1, "size", id).unit() - 0.5));
        flows.push_back({a, b, size, a != middle ? 3e-6 : 1e-6, first, static_cast<std::uint32_t>(path.size()) - first});
      }
    }
    traffic.flows = flows;
    traffic.links = links;
    traffic.path = path;
  }
  std::vector<engine::simgrid::PlainFlow> flows;
  std::vector<double> links;
  std::vector<std::uint32_t> path;
  engine::simgrid::PlainTraffic traffic;
};

Measured plain(void* module, std::uint32_t gpus, double jitter) {
  auto* const play = reinterpret_cast<engine::simgrid::PlainFunction*>(::dlsym(module, engine::simgrid::plain_function_name));
  if (play == nullptr) std::abort();
  return in_a_process([&](const std::function<void(double)>& tell) { tell(play(PlainAllToAll(gpus, 1e6, jitter).traffic)); });
}

Measured simgrid(const topology::Fabric& fabric, workloads::Program& program) {
  topology::Router router(fabric, {});
  engine::TimelineSink nobody;
  engine::SimgridUse use;
  const auto summary = engine::run_simgrid(router, program, {}, nobody, {.use = &use});
  return {use.cpu_s, summary.makespan.value(), static_cast<double>(use.peak_bytes) / 1e6};
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

void compare(void* module, std::uint32_t nodes, double jitter) {
  const auto fabric = testing::make_fabric(R"({"kind": "mpft"})", nodes, "h800", "infiniband");
  bench::FlatAllToAll program(nodes, 1e6, jitter);
  // Fluid, SimGrid, fluid: whatever else the machine does meets all of them.
  const Measured with = median([&] { return fluid(fabric, program, true); });
  const Measured alone = median([&] { return plain(module, 8 * nodes, jitter); });
  const Measured without = median([&] { return fluid(fabric, program, false); });
  const Measured reference = median([&] { return simgrid(fabric, program); });
  for (const auto& [classes, m] : {std::pair("off", &without), std::pair("on", &with)}) {
    fmt::print("| {} | {} | {} | {:.3g} | {:.0f} | {:.3g} | {:.0f} | {:.3g} | {:.0f} | {:.0f} | {:.0f} | {:.1e} |\n", 8 * nodes, jitter == 0 ? "-" : "1 %",
               classes, alone.cpu_s, alone.peak_MB, reference.cpu_s, reference.peak_MB, m->cpu_s, m->peak_MB, alone.cpu_s / m->cpu_s,
               reference.cpu_s / m->cpu_s, std::abs(m->makespan_s / reference.makespan_s - 1));
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
  std::setvbuf(stdout, nullptr, _IONBF, 0);   // forks follow
  fmt::print("| GPUs | jitter | classes | SimGrid alone (s) | MB | engine simgrid (s) | MB | fluid (s) | MB | ratio, alone | ratio, engine | makespans differ by |\n"
             "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const int gpus : {64, 128, 256, 512}) {
    if (gpus > most) continue;
    compare(module.get(), static_cast<std::uint32_t>(gpus / 8), 0);
    if (gpus <= 128) compare(module.get(), static_cast<std::uint32_t>(gpus / 8), 0.01);
  }
  return 0;
}
