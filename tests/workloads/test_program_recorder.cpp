// Writing programs down while they run.
#include <doctest/doctest.h>

#include "tests/support/text_programs.h"
#include "workloads/program_recorder.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;

namespace {

/// A compute of 1 ms, then, decided when it is done, a transfer of 50 MB and another compute, then a marker when that is done.
class Deciding final : public Program {
 public:
  void start(Sink& sink) override { sink.compute({OpId(0), StreamId(4), Seconds(1e-3), 20}); }
  void on_complete(OpId id, Seconds, Sink& sink) override {
    const Leg leg{gpu(0), gpu(1), 1};
    if (id == OpId(0)) {
      Transfer t;
      t.id = OpId(2);
      t.bytes = Bytes(50e6);
      t.legs = std::span(&leg, 1);
      sink.transfer(t);
      sink.compute({OpId(1), StreamId(4), Seconds(3e-3), 0});
    }
    const OpId both[] = {OpId(1), OpId(2)};
    if (id == OpId(1)) sink.marker(OpId(3), Seconds(5e-3), both);
  }
};

}  // namespace

TEST_CASE("what a program decides as it goes is written down as it went, and takes the same time") {
  const Ground ground(mpft, 2);
  Deciding program;
  ProgramRecorder recorder(program, ground.fabric.placement());
  topology::Router router(ground.fabric, ground.routing);
  engine::TimelineSink nothing;
  const double time = engine::run(router, recorder, {}, nothing).makespan.value();
  CHECK(time == doctest::Approx(9e-3).epsilon(1e-12));  // 1 + 3 + 5 ms; the transfer is done after 2
  const NamedProgram p = recorder.take();
  CHECK(write_text_program(p) == R"(weft-program 1
ranks 16 per-node 8
c0: compute 1 ms stream s4 sms 20
t2: transfer 50 MB from gpu 0 to gpu 8 after c0
c1: compute 3 ms stream s4 after c0
m3: marker 5 ms after t2 c1
)");
  CHECK(seconds_of(p, ground) == doctest::Approx(time).epsilon(1e-12));
}

TEST_CASE("a program that is known at its start is written down without an engine") {
  StaticProgram program;
  const OpId a = program.add_compute(StreamId(0), Seconds(1e-3));
  program.add_marker(Seconds(2e-3), std::span(&a, 1));
  ProgramRecorder recorder(program, Placement(1, 8));
  recorder.start_alone();
  CHECK(write_text_program(recorder.take()) ==
        "weft-program 1\nranks 8 per-node 8\nc0: compute 1 ms stream s0\nm1: marker 2 ms after c0\n");
}

TEST_CASE("owners that a program declares become ranks") {
  StaticProgram program;
  program.add_compute(StreamId(0), Seconds(1e-3));
  program.declare({Placement(1, 2), {}, {1}});
  ProgramRecorder recorder(program, Placement(1, 8));
  recorder.start_alone();
  CHECK(recorder.take().operations.at(0).rank == Rank(1));
}
