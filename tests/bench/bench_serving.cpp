// An hour of 200,000 requests on 4 prefill and 18 decode nodes, request by request: wall time, CPU time, largest memory.
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/core/random.h"
#include "sim/engine/engine.h"
#include "tests/support/fabrics.h"
#include "workloads/inference/given_times.h"
#include "workloads/inference/serving/serving_program.h"

using namespace weft;
using namespace weft::workloads;
using namespace weft::workloads::inference;
using namespace weft::workloads::inference::serving;

namespace {

struct Nobody final : engine::TimelineSink {
  bool wants_operations() const override { return false; }
};

/// Independent arrivals at a steady rate; lengths lognormal around the means, more than half of each prompt cached.
class Stream final : public RequestStream {
 public:
  Stream(std::uint32_t requests, double per_second) : left_(requests), per_second_(per_second) {}
  bool next(Request& out) override {
    if (left_-- == 0) return false;
    Draws draws(1, "bench", left_);
    at_ -= std::log(1 - draws.unit()) / per_second_;
    out.arrival = Seconds(at_);
    out.prompt = 1 + static_cast<std::uint32_t>(std::min(100000.0, 4383 * spread(draws)));
    out.output = 1 + static_cast<std::uint32_t>(std::min(30000.0, 1211 * spread(draws)));
    out.cached = static_cast<std::uint32_t>(0.5625 * out.prompt);
    return true;
  }

 private:
  static double spread(Draws& d) {   // lognormal of mean 1 and sigma 1
    const double normal = std::sqrt(-2 * std::log(1 - d.unit())) * std::cos(2 * M_PI * d.unit());
    return std::exp(normal - 0.5);
  }
  std::uint32_t left_;
  double per_second_, at_ = 0;
};

}  // namespace

// bench_serving [requests=200000] [mtp]: at 200,000 an hour.
int main(int argc, char** argv) {
  const auto requests = static_cast<std::uint32_t>(argc > 1 ? std::atoi(argv[1]) : 200000);
  const bool mtp = argc > 2 && !std::strcmp(argv[2], "mtp");
  const auto fabric = weft::testing::make_fabric(R"({"kind": "mpft", "radix": 64, "planes": 8})", 22, "h800", "infiniband");
  topology::Router router(fabric, {});
  ClusterView view;
  view.placement = fabric.placement();
  view.reachable = [](const Endpoint&, const Endpoint&) { return true; };
  auto setup = std::make_shared<ServingSetup>();
  TimeFactors pass, step;
  pass.base = Seconds(20e-3), pass.per_token = Seconds(60e-6), pass.per_pair = Seconds(1e-9), pass.per_cached = Seconds(5e-6);
  step.base = Seconds(25e-3), step.per_request = Seconds(0.25e-3), step.per_kv_token = Seconds(40e-9);
  setup->prefill.unit = {.nodes = 4, .groups = 32, .kv_tokens = 600000, .kv_per_token = Bytes(70272)};
  setup->decode.unit = {.nodes = 18, .groups = 144, .kv_tokens = 680000, .drafts = mtp ? 1u : 0u, .kv_per_token = Bytes(70272)};
  setup->decode.first_node = 4;
  setup->prefill.times = std::make_shared<GivenTimes>(pass);
  setup->decode.times = std::make_shared<GivenTimes>(step);
  setup->policy.acceptance = mtp ? 0.85 : 0;
  setup->requests = [requests] { return std::make_unique<Stream>(requests, 200000 / 3600.0); };
  setup->placement = view.placement;
  setup->rails = std::make_shared<Rails>(view, 22, 8, RailOptions{});
  const auto metrics = std::make_shared<ServingMetrics>(*setup);
  ServingProgram program(setup, metrics);
  Nobody nobody;
  const auto begin = std::chrono::steady_clock::now();
  const engine::Summary s = engine::run(router, program, {}, nobody);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  std::printf("%u requests: wall %.2f s, CPU %.2f s, %.0f MB; %.0f s simulated, %llu operations, %llu solves\n", requests, wall,
              double(used.ru_utime.tv_sec) + 1e-6 * double(used.ru_utime.tv_usec), double(used.ru_maxrss) / 1024, s.makespan.value(),
              static_cast<unsigned long long>(s.operations), static_cast<unsigned long long>(s.solves));
  const Row row = metrics->summary();
  for (const auto& [name, cell] : row.cells()) {
    std::printf("%s ", name.c_str());
    std::visit([](const auto& v) {
      if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>) std::printf("%s", v.c_str());
      else std::printf("%.6g", double(v));
    }, cell);
    std::printf("; ");
  }
  std::printf("\n");
}
