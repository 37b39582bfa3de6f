// SimGrid's selective update over-subscribes a link; the fluid engine and SimGrid's full update keep its capacity.
#include <doctest/doctest.h>

#include "sim/engine/simgrid/simgrid.h"
#include "tests/conformance/both.h"
#include "workloads/static_program.h"

using namespace weft;
using namespace weft::testing;
using doctest::Approx;

namespace {

/// Two links of 50 GB/s into node 2 (Y) and out of node 1 (X), on one switch. Times are in units of 1e-9 s a byte-and-link, so that a
/// link moves 50 bytes per unit: flow 0 crosses Y from the start; flow 1 crosses X, flow 2 X and Y, both from one instant on.
workloads::StaticProgram three_flows() {
  workloads::StaticProgram p;
  const workloads::StaticProgram::TransferOptions later{.extra_latency = Seconds(1)};
  const workloads::Leg y[] = {{nic(0), nic(2), 1}}, x[] = {{nic(1), nic(3), 1}}, xy[] = {{nic(1), nic(2), 1}};
  p.add_transfer(Bytes(550e9), y, {});
  p.add_transfer(Bytes(475e9), x, later);
  p.add_transfer(Bytes(475e9), xy, later);
  return p;
}

Times play(const std::function<engine::Summary(topology::Router&, workloads::Program&, Times&)>& run) {
  const auto fabric = make_fabric(R"({"kind": "single_switch", "radix": 64})", 4, "endpoint");
  topology::Router router(fabric, {});
  auto program = three_flows();
  Times t;
  t.summary = run(router, program, t);
  return t;
}

}  // namespace

// Flow 0 alone until 1 s: 50 of 550 GB. Then X and Y are shared by two each: 25 GB/s for all three. Flows 1 and 2 end at
// 1 + 475 / 25 = 20 s; flow 0 then has 550 - 50 - 475 = 25 GB left at 50 GB/s: 20.5 s.
TEST_CASE("two flows that begin at one instant and share their first link leave the third its due: 20.5 s on the fluid engine and on SimGrid as we set it") {
  need_simgrid();
  const Times fluid = play([](auto& r, auto& p, Times& t) { return engine::run(r, p, {}, t); });
  const Times simgrid = play([](auto& r, auto& p, Times& t) { return engine::run_simgrid(r, p, {}, t); });
  for (const Times* t : {&fluid, &simgrid}) {
    CHECK(t->finish[0] == Approx(20.5).epsilon(1e-12));
    CHECK(t->finish[1] == Approx(20).epsilon(1e-12));
    CHECK(t->finish[2] == Approx(20).epsilon(1e-12));
  }
}

// The link into node 2 carries 550 + 475 GB at 50 GB/s: no schedule ends before 20.5 s. The selective update looks at X again
// but not at Y: flow 0 keeps all of its 50 GB/s and ends at 11 s, beside flow 2's 25.
TEST_CASE("SimGrid's default, the selective update, sends 75 GB/s over a link of 50 and ends flow 0 at 11 s") {
  need_simgrid();
  const Times lazy = play([](auto& r, auto& p, Times& t) {
    return engine::run_simgrid(r, p, {}, t, {.selective_update = true});
  });
  CHECK(lazy.finish[0] == Approx(11).epsilon(1e-9));
  CHECK(lazy.summary.makespan.value() < 20.5 - 0.4);
}
