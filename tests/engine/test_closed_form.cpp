// The closed-form engine: alpha-beta times, equal to the fluid engine's where nothing is shared, never later anywhere.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "sim/core/error.h"
#include "sim/engine/closed_form/closed_form.h"
#include "sim/engine/engines.h"
#include "tests/bench/programs.h"
#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using doctest::Approx;
using workloads::StaticProgram;

namespace {

Played alone(const topology::Fabric& fabric, workloads::Program& program, const engine::Options& options = {},
             const topology::RoutingSpec& routing = {}) {
  topology::Router router(fabric, routing);
  Played p;
  p.summary = engine::run_closed_form(router, program, options, p);
  return p;
}

/// Largest lead of the fluid engine over the closed form at any start or finish, in parts of the finish; 0 when it never leads.
double lead(const topology::Fabric& fabric, workloads::Program& program, const topology::RoutingSpec& routing = {}) {
  const Played a = alone(fabric, program, {}, routing), b = play(fabric, program, {}, routing);
  double most = a.finish.size() == b.finish.size() ? 0 : 1;
  for (const auto& [id, t] : b.finish) {
    if (t > 0) most = std::max({most, (a.finish.at(id) - t) / t, (a.start.at(id) - b.start.at(id)) / t});
  }
  return most;
}

/// An operation that waits for one that is never emitted.
struct WaitsForNobody final : workloads::Program {
  void start(workloads::Sink& sink) override {
    const OpId before[] = {OpId(7)};
    sink.marker(OpId(0), Seconds(1), before);
  }
};

}  // namespace

TEST_CASE("transfers into one NIC each take latency plus bytes over its rate, as if alone") {
  // 1 us + 5 GB / 50 GB/s = 0.100001 s, for all three at once
  StaticProgram p;
  for (std::uint32_t i = 1; i < 4; ++i) send(p, 5e9, nic(i), nic(0), {.extra_latency = Seconds(1e-6)});
  const Played r = alone(star(4), p);
  for (const auto& [id, t] : r.finish) CHECK(t == Approx(0.1 + 1e-6).epsilon(1e-14));
  CHECK(r.summary.operations == 3);
  CHECK(r.order == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("dependencies and streams hold, computation takes its duration") {
  // stream: 1 s, then 2 s; the transfer of 0.2 s waits for the second, the marker of 0.5 s for the transfer
  StaticProgram p;
  p.add_compute(StreamId(0), Seconds(1));
  const OpId second[] = {p.add_compute(StreamId(0), Seconds(2))};
  const OpId moved[] = {send(p, 10e9, nic(0), nic(1), {}, {second[0]})};
  p.add_marker(Seconds(0.5), moved);
  const Played r = alone(star(2), p);
  CHECK(r.start.at(1) == Approx(1).epsilon(1e-14));
  CHECK(r.start.at(2) == Approx(3).epsilon(1e-14));
  CHECK(r.finish.at(2) == Approx(3.2).epsilon(1e-14));
  CHECK(r.summary.makespan.value() == Approx(3.7).epsilon(1e-14));
}

TEST_CASE("kernels' rates, rate caps and headers narrow a transfer") {
  // IB: 26 header bytes on 4 KiB; the kernel counts payload, the wire counts both
  const auto f = make_fabric(R"({"kind": "single_switch", "radix": 64})", 2, "endpoint", R"({"extends": "infiniband", "endpoint_latency": "0 s", "switch_latency": "0 s", "cable_latency": "0 ns/m", "adaptive_hop_latency": "0 s"})");
  StaticProgram p;
  const KernelId k = p.add_kernel({"kernel", BytesPerSecond(44e9), {}});
  send(p, 10e9, nic(0), nic(1));
  send(p, 10e9, nic(0), nic(1), {.kernel = k});
  send(p, 10e9, nic(0), nic(1), {.kernel = k, .rate_cap = BytesPerSecond(5e9)});
  const Played r = alone(f, p);
  CHECK(r.finish.at(0) == Approx(10e9 / (50e9 * 4096 / 4122)).epsilon(1e-9));
  CHECK(r.finish.at(1) == Approx(10e9 / 44e9).epsilon(1e-9));
  CHECK(r.finish.at(2) == Approx(2).epsilon(1e-12));
}

TEST_CASE("a transfer that fans out is as slow as the port where its legs meet") {
  // 7 legs of 0.3 leave GPU 0 over NVLink at 200 GB/s: 2.1 bytes on the port per byte from the NIC at 50 GB/s; 8 GB: 0.16 s
  // over the NIC, 0.084 s over NVLink; with shares of 1 the port takes 7 * 8 / 200 = 0.28 s.
  const auto f = make_fabric(R"({"kind": "mpft"})", 2);
  for (const double share : {0.3, 1.0}) {
    StaticProgram p;
    std::vector<workloads::Leg> legs{{gpu(0), gpu(1), 1}};
    for (std::uint32_t j = 1; j < 8; ++j) legs.push_back({gpu(1), gpu(1, j), share});
    p.add_transfer(Bytes(8e9), legs, {.latency_mode = workloads::LatencyMode::none});
    const double port = 7 * share * 8e9 / f.node_spec().nvlink_rate.value.value();
    CHECK(alone(f, p).finish.at(0) == Approx(std::max(0.16, port)).epsilon(1e-12));
  }
}

TEST_CASE("where nothing shares a link both engines agree, queue pairs and sprays included") {
  const auto f = make_fabric(R"({"kind": "ft2", "radix": 8})", 8, "endpoint", "infiniband");
  for (const topology::Policy policy : {topology::Policy::adaptive, topology::Policy::ecmp, topology::Policy::static_dmodk}) {
    const topology::RoutingSpec routing{.policy = policy, .qps = policy == topology::Policy::ecmp ? 4u : 1u, .seed = 3};
    for (std::uint32_t key = 0; key < 20; ++key) {
      StaticProgram p;
      send(p, 1e9, nic(0), nic(5), {.flow_key = key});
      CHECK(alone(f, p, {}, routing).finish.at(0) == Approx(play(f, p, {}, routing).finish.at(0)).epsilon(1e-12));
    }
  }
}

TEST_CASE("first rates are those of a transfer alone") {
  StaticProgram p;
  send(p, 1e9, nic(0), nic(2));
  send(p, 1e9, nic(1), nic(2), {.rate_cap = BytesPerSecond(10e9)});
  const Played r = alone(star(3), p, {.stop_after_first_rates = true});
  CHECK(r.rate.at({0, 0}) == Approx(line).epsilon(1e-14));
  CHECK(r.rate.at({1, 0}) == Approx(10e9).epsilon(1e-14));
}

TEST_CASE("changes of the fabric in mid-run are refused, and waiting in vain is told") {
  StaticProgram p;
  send(p, 1e9, nic(0), nic(1));
  const engine::Options events{.events = {{Seconds(1), engine::FabricEvent::What::capacity, LinkId(0), BytesPerSecond(1)}}};
  CHECK_THROWS_AS(alone(star(2), p, events), UserError);
  WaitsForNobody q;
  CHECK_THROWS_AS(alone(star(2), q), RunError);
}

TEST_CASE("the closed form is never later than the fluid engine") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 8, "h800", "infiniband");
  bench::PxnAllToAll pxn(8, 1e6, 0.2);
  CHECK(lead(f, pxn) <= 1e-9);
  bench::FlatAllToAll flat(4, 1e6, 0.2);
  CHECK(lead(f, flat) <= 1e-9);
  bench::Dispatch dispatch(8, 1e6);
  CHECK(lead(f, dispatch) <= 1e-9);
  const topology::RoutingSpec ecmp{.policy = topology::Policy::ecmp, .qps = 3, .seed = 11};
  CHECK(rc::check([&] {
    StaticProgram p;
    const KernelId kernel = p.add_kernel({"kernel", BytesPerSecond(30e9), BytesPerSecond(100e9)});
    const auto draw = [](int below) { return static_cast<std::uint32_t>(*rc::gen::inRange(0, below)); };
    const int n = *rc::gen::inRange(1, 30);
    for (int i = 0; i < n; ++i) {
      std::vector<OpId> after;
      if (i > 0 && draw(3) == 0) after.push_back(OpId(draw(i)));
      if (draw(5) == 0) {
        p.add_compute(StreamId(draw(3)), Seconds(1e-5 * draw(9)), 0, after);
        continue;
      }
      const std::uint32_t rail = draw(8), a = draw(8), b = draw(8);
      std::vector<workloads::Leg> legs{{gpu(a, rail), gpu(b, rail), 1}};
      for (std::uint32_t j = 0; j < draw(4); ++j) legs.push_back({gpu(b, rail), gpu(b, (rail + 1 + j) % 8), 0.25 * (1 + draw(6))});
      p.add_transfer(Bytes(1e6 * draw(9)), legs,
                     {.kernel = draw(2) == 0 ? kernel : KernelId(), .extra_latency = Seconds(1e-6 * draw(5)), .weight = 1.0 + draw(3), .flow_key = draw(100)}, after);
    }
    RC_ASSERT(lead(f, p) <= 1e-9);
    RC_ASSERT(lead(f, p, ecmp) <= 1e-9);
  }));
}

TEST_CASE("engines are found by name, and an unknown name lists them: fluid, closed_form") {
  CHECK(engine::engine_kinds().front().name == "fluid");
  CHECK(engine::engine_named("closed-form").lower_bound);
  try {
    engine::engine_named("fluidd");
    FAIL("found an engine that is not there");
  } catch (const UserError& e) {
    CHECK(std::string(e.what()).find("--engine: unknown engine \"fluidd\"") != std::string::npos);
    CHECK(std::string(e.what()).find("closed-form") != std::string::npos);
  }
}
