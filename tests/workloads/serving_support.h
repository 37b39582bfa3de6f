// A small server on a small cluster, with requests and times by hand.
#pragma once

#include <cmath>

#include "tests/support/workload_runs.h"
#include "tests/workloads/listed_requests.h"
#include "workloads/inference/given_times.h"
#include "workloads/inference/serving/serving_program.h"
#include "workloads/static_program.h"

namespace weft::testing {

using namespace workloads::inference;
using namespace workloads::inference::serving;

inline Request request(double arrival, std::uint32_t prompt, std::uint32_t output, std::uint32_t cached = 0) { return {Seconds(arrival), prompt, output, cached}; }

/// Arrivals that are independent, `per_second` on average; lengths uniform from 1 to twice their mean.
inline std::vector<Request> random_requests(std::uint32_t n, double per_second, std::uint32_t prompt, std::uint32_t output, std::uint64_t seed = 1) {
  std::vector<Request> all;
  Draws draws(seed, "requests of a test");
  double at = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    at -= std::log(1 - draws.unit()) / per_second;
    all.push_back(request(at, prompt <= 1 ? prompt : 1 + static_cast<std::uint32_t>(draws.below(2 * prompt - 1)),
                          output <= 1 ? output : 1 + static_cast<std::uint32_t>(draws.below(2 * output - 1))));
  }
  return all;
}

/// One node of prefill and one of decode, 8 groups each. A pass takes 10 ms and 1 us a token, a step 20 ms.
struct SmallServer {
  Ground ground;
  ServingSetup setup;
  TimeFactors pass, step;

  explicit SmallServer(std::uint32_t units = 1) : ground(mpft, 2 * units) {
    setup.prefill.units = setup.decode.units = units;
    pass.base = Seconds(10e-3), pass.per_token = Seconds(1e-6);
    step.base = Seconds(20e-3);
    Unit unit;
    unit.nodes = 1, unit.groups = 8, unit.kv_tokens = 1e6, unit.kv_per_token = Bytes(70272);
    setup.prefill.unit = setup.decode.unit = unit;
    setup.decode.first_node = units;
    setup.every = Seconds(1);
  }

  /// The setup for these requests, on the cluster of the view.
  std::shared_ptr<ServingSetup> ready(const workloads::ClusterView& view, std::vector<Request> requests) const {
    auto s = std::make_shared<ServingSetup>(setup);
    s->requests = [requests] { return std::make_unique<ListedRequests>(requests); };
    s->prefill.times = std::make_shared<GivenTimes>(pass);
    s->decode.times = std::make_shared<GivenTimes>(step);
    s->placement = view.placement;
    s->rails = std::make_shared<workloads::Rails>(view, static_cast<std::uint32_t>(s->prefill.nodes() + s->decode.nodes()), 8, workloads::RailOptions{});
    s->storage = view.storage;
    s->kernels[ServingSetup::transfers.value].name = "kv_transfer";
    s->kernels[ServingSetup::disk.value].name = "prefix_cache";
    return s;
  }

  std::shared_ptr<ServingMetrics> serve(std::vector<Request> requests, Seconds* makespan = nullptr) const {
    topology::Router router(ground.fabric, ground.routing);
    const auto s = ready(ground.view(router), std::move(requests));
    auto metrics = std::make_shared<ServingMetrics>(*s);
    ServingProgram program(s, metrics);
    Unheard nobody;
    const Seconds end = engine::run(router, program, {}, nobody).makespan;
    if (makespan != nullptr) *makespan = end;
    return metrics;
  }

  /// How long a cache of so many tokens takes from GPU 0 of prefill to GPU 0 of decode, alone.
  double transfer(std::uint32_t tokens) const {
    workloads::StaticProgram program;
    const workloads::Leg leg{workloads::gpu_at(0, 0), workloads::gpu_at(1, 0), 1};
    program.add_transfer(setup.prefill.unit.kv_per_token * double(tokens), std::span(&leg, 1), {});
    return ground.makespan(program).value();
  }
};

inline std::uint64_t outputs(const std::vector<Request>& requests) {
  std::uint64_t sum = 0;
  for (const Request& r : requests) sum += r.output;
  return sum;
}

}  // namespace weft::testing
