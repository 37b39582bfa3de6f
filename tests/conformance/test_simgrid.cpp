// The SimGrid engine itself: what it refuses, what it tells, and what becomes of a run that goes wrong in its process.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include "sim/core/error.h"
#include "sim/engine/simgrid/simgrid.h"
#include "tests/conformance/both.h"
#include "workloads/static_program.h"

using namespace weft;
using namespace weft::testing;
using doctest::Approx;
using workloads::StaticProgram;

namespace {

constexpr double exact = 1e-9;

topology::Fabric star(std::uint32_t nodes) { return make_fabric(R"({"kind": "single_switch", "radix": 64})", nodes, "endpoint"); }

OpId send(StaticProgram& p, double bytes, std::uint32_t from, std::uint32_t to, const StaticProgram::TransferOptions& o = {}, std::vector<OpId> after = {}) {
  const workloads::Leg legs[] = {{nic(from), nic(to), 1}};
  return p.add_transfer(Bytes(bytes), legs, o, after);
}

Times play(const topology::Fabric& fabric, workloads::Program& program, const engine::Options& options = {}) {
  topology::Router router(fabric, {});
  Times t;
  t.summary = engine::run_simgrid(router, program, options, t);
  return t;
}

/// Does something to its own process when its first operation has ended.
class Harmful final : public workloads::Program {
 public:
  explicit Harmful(void (*harm)()) : harm_(harm) {}
  void start(workloads::Sink& sink) override { sink.marker(OpId(0), Seconds(1)); }
  void on_complete(OpId, Seconds, workloads::Sink&) override { harm_(); }

 private:
  void (*harm_)();
};

/// Waits for what never comes.
class Waiting final : public workloads::Program {
 public:
  void start(workloads::Sink& sink) override {
    const OpId after[] = {OpId(7)};
    sink.marker(OpId(0), Seconds(1), after);
  }
};

struct Rates final : engine::TimelineSink {
  std::vector<double> rate;
  void first_rate(OpId id, std::uint32_t, BytesPerSecond r) override {
    rate.resize(std::max<std::size_t>(rate.size(), id.value + 1));
    rate[id.value] += r.value();
  }
};

}  // namespace

TEST_CASE("two flows into one NIC get half each; the summary counts what was carried") {
  need_simgrid();
  // 50 GB/s: sizes 50 and 100 GB. Until t = 2 s both run at 25; then 50 GB are left of the second: 1 s more.
  StaticProgram p;
  send(p, 50e9, 0, 2);
  send(p, 100e9, 1, 2);
  const Times t = play(star(3), p);
  CHECK(t.finish[0] == Approx(2).epsilon(exact));
  CHECK(t.finish[1] == Approx(3).epsilon(exact));
  CHECK(t.summary.makespan.value() == Approx(3).epsilon(exact));
  CHECK(t.summary.max_link_utilisation == Approx(1).epsilon(exact));
  CHECK(t.summary.operations == 2);
  CHECK(t.summary.flows == 2);
}

TEST_CASE("nothing at all and operations without duration end at 0") {
  need_simgrid();
  StaticProgram nothing, instant;
  CHECK(play(star(2), nothing).summary.makespan.value() == 0);
  const OpId first[] = {instant.add_marker()};
  instant.add_compute(StreamId(0), Seconds(0), 0, first);
  send(instant, 0, 0, 1, {.latency_mode = workloads::LatencyMode::none}, {OpId(1)});
  CHECK(play(star(2), instant).finish == std::vector<double>{0, 0, 0});
}

namespace {

struct Order final : engine::TimelineSink {
  std::vector<std::uint32_t> ids;
  void finished(OpId id, Seconds) override { ids.push_back(id.value); }
};

}  // namespace

TEST_CASE("finished operations are told in order of time and id, flows that are alike as one instant") {
  need_simgrid();
  // Markers of 2, 1, 2, 0 and 1 s, and between them nine flows into one NIC that end together at 9 / 3 s.
  StaticProgram p;
  for (double d : {2.0, 1.0}) p.add_marker(Seconds(d));
  for (std::uint32_t i = 0; i < 9; ++i) send(p, 50e9 / 3, 1 + i, 0);
  for (double d : {2.0, 0.0, 1.0}) p.add_marker(Seconds(d));
  const auto fabric = star(10);
  topology::Router router(fabric, {});
  Order order;
  engine::run_simgrid(router, p, {}, order);
  CHECK(order.ids == std::vector<std::uint32_t>{12, 1, 13, 0, 11, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("first rates are those of the fluid engine") {
  need_simgrid();
  // Into node 2: weights 1 and 3 of 50 GB/s, the second capped at 30 GB/s: 20 and 30. One starts 1 s later.
  StaticProgram p;
  send(p, 200e9, 0, 2);
  send(p, 200e9, 1, 2, {.extra_latency = Seconds(1), .weight = 3, .rate_cap = BytesPerSecond(30e9)});
  const auto fabric = star(3);
  topology::Router router(fabric, {});
  Rates simgrid, fluid;
  engine::run_simgrid(router, p, {.stop_after_first_rates = true}, simgrid);
  engine::run(router, p, {.stop_after_first_rates = true}, fluid);
  REQUIRE(simgrid.rate.size() == 2);
  CHECK(simgrid.rate[0] == Approx(20e9).epsilon(exact));
  CHECK(simgrid.rate[1] == Approx(30e9).epsilon(exact));
  for (std::size_t i = 0; i < 2; ++i) CHECK(simgrid.rate[i] == Approx(fluid.rate.at(i)).epsilon(exact));
}

TEST_CASE("a link that flows load by different coefficients is refused, with the operation and the link named") {
  need_simgrid();
  StaticProgram p;
  send(p, 1e9, 0, 1);
  const workloads::Leg half[] = {{nic(0), nic(2), 0.5}, {nic(0), nic(1), 0.25}};
  p.add_transfer(Bytes(1e9), half, {});
  const auto fabric = star(3);
  CHECK_THROWS_WITH_AS(play(fabric, p), doctest::Contains("operation 1 puts 0.75 bytes on node0.nic0"), UserError);
  CHECK_THROWS_WITH_AS(play(fabric, p), doctest::Contains("--check-against simgrid"), UserError);
}

TEST_CASE("links that fail in mid-run are refused, with the link named") {
  need_simgrid();
  StaticProgram p;
  send(p, 1e9, 0, 1);
  const auto fabric = star(2);
  const LinkId link = fabric.uplink_of_nic(fabric.vertex_of(nic(0)));
  const engine::Options fails{.events = {{Seconds(1), engine::FabricEvent::What::fail, link, {}}}};
  CHECK_THROWS_WITH_AS(play(fabric, p, fails), doctest::Contains(fabric.name(link).c_str()), UserError);
}

TEST_CASE("a transfer without a path is the router's UserError, with its place") {
  need_simgrid();
  const auto fabric = make_fabric(R"({"kind": "mpft", "radix": 4, "planes": 8})", 2, "h800");
  StaticProgram p;
  const workloads::Leg other_plane[] = {{nic(0, 0), nic(1, 1), 1}};
  p.add_transfer(Bytes(1), other_plane, {});
  try {
    play(fabric, p);
    FAIL("no error");
  } catch (const UserError& e) {
    REQUIRE(e.problems().size() == 1);
    topology::Router router(fabric, {});
    try {
      routes(router, nic(0, 0), nic(1, 1));
    } catch (const UserError& due) {
      CHECK(e.problems()[0].place == due.problems()[0].place);
      CHECK(e.problems()[0].message == due.problems()[0].message);
      CHECK(e.problems()[0].hint == due.problems()[0].hint);
    }
  }
}

TEST_CASE("an operation that waits for one that is never emitted is a RunError that names it") {
  need_simgrid();
  Waiting p;
  CHECK_THROWS_WITH_AS(play(star(2), p), doctest::Contains("operation 7, which the program never emits"), RunError);
}

TEST_CASE("a process that is killed, or leaves, is a RunError that says how") {
  need_simgrid();
  Harmful killed([] { ::kill(::getpid(), SIGKILL); }), leaves([] { ::_exit(9); });
  CHECK_THROWS_WITH_AS(play(star(2), killed), doctest::Contains("signal 9"), RunError);
  CHECK_THROWS_WITH_AS(play(star(2), leaves), doctest::Contains("exit code 9"), RunError);
}

TEST_CASE("without the module the error says which package to install") {
  need_simgrid();
  StaticProgram p;
  ::setenv("WEFT_MODULES", "/nonexistent", 1);
  CHECK_THROWS_WITH_AS(play(star(2), p), doctest::Contains("libsimgrid-dev"), NotPossibleHere);
  ::unsetenv("WEFT_MODULES");
}

TEST_CASE("runs one after the other and from several processes' parents do not know of each other") {
  need_simgrid();
  StaticProgram p;
  send(p, 50e9, 0, 1);
  for (int i = 0; i < 3; ++i) CHECK(play(star(2), p).finish[0] == Approx(1).epsilon(exact));
}
