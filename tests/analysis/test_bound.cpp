// The speed-of-light bound: closed forms, and never above what the engine takes.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "sim/analysis/bound.h"
#include "tests/bench/programs.h"
#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using analysis::Bound;
using workloads::StaticProgram;
using doctest::Approx;

namespace {

Bound bound(const topology::Fabric& f, workloads::Program& p, const topology::RoutingSpec& routing = {}) {
  topology::Router router(f, routing);
  return analysis::bound_of(router, p);
}

}  // namespace

TEST_CASE("an incast is bound by the link into its target") {
  // 3 * 10 GB into NIC 0 at 50 GB/s; each alone would take 0.2 s
  StaticProgram p;
  for (std::uint32_t i = 1; i < 4; ++i) send(p, 10e9, nic(i), nic(0));
  const Bound b = bound(star(4), p);
  CHECK(b.busiest_link.value() == Approx(0.6).epsilon(1e-12));
  CHECK(b.longest_chain.value() == Approx(0.2).epsilon(1e-12));
  CHECK(b.total == b.busiest_link);
}

TEST_CASE("a chain counts latencies, transfers, computation and streams") {
  // 1 s latency + 0.2 s bytes, then 2 s of computation behind 0.5 s of the same stream (in its shadow), then a marker of 1 s
  StaticProgram p;
  const OpId first[] = {send(p, 10e9, nic(0), nic(1), {.extra_latency = Seconds(1)})};
  p.add_compute(StreamId(0), Seconds(0.5));
  const OpId second[] = {p.add_compute(StreamId(0), Seconds(2), 0, first)};
  p.add_marker(Seconds(1), second);
  const Bound b = bound(star(2), p);
  CHECK(b.longest_chain.value() == Approx(4.2).epsilon(1e-12));
  CHECK(b.total == b.longest_chain);
}

TEST_CASE("a rate cap and a kernel's own rate bound a transfer like a link") {
  StaticProgram p;
  const KernelId slow = p.add_kernel({"slow", BytesPerSecond(20e9), {}});
  send(p, 10e9, nic(0), nic(1), {.rate_cap = BytesPerSecond(5e9)});
  CHECK(bound(star(2), p).longest_chain.value() == Approx(2).epsilon(1e-12));
  StaticProgram q;
  q.add_kernel({"slow", BytesPerSecond(20e9), {}});
  for (std::uint32_t i = 1; i < 3; ++i) send(q, 10e9, nic(0), nic(i), {.kernel = slow});
  CHECK(bound(star(3), q).busiest_link.value() == Approx(1).epsilon(1e-12));
  CHECK(bound(star(3), q).longest_chain.value() == Approx(0.5).epsilon(1e-12));
}

TEST_CASE("headers count on the wire, not against a kernel's rate") {
  // IB, 4 KiB: 26 bytes a packet. 50 GB/s of wire carry 50 * 4096/4122 = 49.68 GB/s of payload (N7.03).
  const auto f = make_fabric(R"({"kind": "single_switch", "radix": 64})", 2, "endpoint", "infiniband");
  StaticProgram p;
  send(p, 10e9, nic(0), nic(1));
  CHECK(bound(f, p).busiest_link.value() == Approx(10e9 / (50e9 * 4096 / 4122)).epsilon(1e-9));
  StaticProgram q;
  const KernelId k = q.add_kernel({"kernel", BytesPerSecond(44e9), {}});
  send(q, 10e9, nic(0), nic(1), {.kernel = k});
  CHECK(bound(f, q).busiest_link.value() == Approx(10e9 / 44e9).epsilon(1e-9));
}

TEST_CASE("under per-flow ECMP the bound is that of the paths that were hashed") {
  // 16 flows of one leaf over 4 uplinks: the bound is the busiest uplink's load, at least the mean and mostly more
  const auto f = make_fabric(R"({"kind": "ft2", "radix": 8})", 8, "endpoint");
  const topology::RoutingSpec ecmp{.policy = topology::Policy::ecmp, .qps = 1, .seed = 5};
  StaticProgram p;
  for (std::uint32_t i = 0; i < 4; ++i) send(p, 50e9, nic(i), nic(4 + i), {.flow_key = i});
  const Bound b = bound(f, p, ecmp);
  const double time = play(f, p, {}, ecmp).summary.makespan.value();
  CHECK(b.total.value() == Approx(std::round(b.total.value())).epsilon(1e-9));   // whole flows on whole links of 1 s each
  CHECK(b.total.value() <= time * (1 + 1e-12));
  CHECK(b.total.value() == Approx(time).epsilon(1e-9));
}

TEST_CASE("the engine meets the bound on an all-to-all and never goes below it on random exchanges") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 8, "h800", "infiniband");
  bench::PxnAllToAll all(8, 1e6);
  const double time = play(f, all).summary.makespan.value(), least = bound(f, all).total.value();
  CHECK(time >= least);
  CHECK(time <= least + 5e-6);
  bench::Dispatch dispatch(8, 1e6);
  CHECK(play(f, dispatch).summary.makespan.value() >= bound(f, dispatch).total.value());
  CHECK(rc::check([&] {
    StaticProgram p;
    const int n = *rc::gen::inRange(1, 30);
    for (int i = 0; i < n; ++i) {
      std::vector<OpId> after;
      if (i > 0 && *rc::gen::inRange(0, 3) == 0) after.push_back(OpId(static_cast<std::uint32_t>(*rc::gen::inRange(0, i))));
      const auto draw = [](int below) { return static_cast<std::uint32_t>(*rc::gen::inRange(0, below)); };
      const std::uint32_t rail = draw(8);
      send(p, 1e6 * (1 + draw(9)), gpu(draw(8), rail), gpu(draw(8), rail), {.extra_latency = Seconds(1e-6 * draw(5))}, after);
    }
    const double t = play(f, p).summary.makespan.value(), b = bound(f, p).total.value();
    RC_ASSERT(b > 0 || t == 0);
    RC_ASSERT(t >= b * (1 - 1e-12));
  }));
}
