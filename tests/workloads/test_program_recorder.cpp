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

TEST_CASE("labels that a program has for its timeline become labels and ranks") {
  class Labelled final : public Program {
   public:
    void start(Sink& sink) override { sink.compute({OpId(0), StreamId(0), Seconds(1e-3), 0}); }
    bool label(OpId, OpLabel& out) const override {
      out.name = "attn(F)";
      out.detail = "layer 3";
      out.rank = Rank(5);
      return true;
    }
  };
  Labelled program;
  ProgramRecorder recorder(program, Placement(1, 8));
  recorder.start_alone();
  const NamedProgram p = recorder.take();
  CHECK(p.operations.at(0).label == "attn(F), layer 3");
  CHECK(p.operations.at(0).rank == Rank(5));
}

TEST_CASE("a program put behind another begins when all of that has ended") {
  NamedProgram p = program_of("kernel k nic 1 GB/s\na: compute 1 ms rank 0 stream s\nb: compute 3 ms rank 1 stream s\nc: compute 1 ms rank 0 stream s after a\n");
  append(p, program_of("kernel k nic 25 GB/s\na: transfer 50 MB from gpu 0 to gpu 8 kernel k\nb: compute 1 ms rank 0 stream s after a\n"), "then");
  CHECK(write_text_program(p) == R"(weft-program 1
ranks 16 per-node 8
kernel k nic 1 GB/s
kernel k' nic 25 GB/s
a: compute 1 ms rank 0 stream s
b: compute 3 ms rank 1 stream s
c: compute 1 ms rank 0 stream s after a
then: marker after b c
then.a: transfer 50 MB from gpu 0 to gpu 8 kernel k' after then
then.b: compute 1 ms rank 0 stream then.s after then.a
)");
  // 3 ms, then 50 MB at 25 GB/s, 2 ms, then 1 ms.
  CHECK(seconds_of(p, Ground(mpft, 2)) == doctest::Approx(6e-3).epsilon(1e-9));
}
