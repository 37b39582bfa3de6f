#include "scenarios/replay/replay.h"

#include "scenarios/case_run.h"

namespace weft::scenarios::replay {

using workloads::Outcome;
using workloads::replay::Recording;
using workloads::replay::ReplayProgram;
using workloads::replay::Times;

namespace {

/// Runs the program as a case, with the guard that every case has.
Times run_program(const ReplayProgram& program, const Cluster& cluster, const RunOptions& run) {
  workloads::Case c;
  c.observe = workloads::Observe::op_times;
  c.program = [&](std::size_t) { return std::make_unique<workloads::StaticProgram>(program.program); };
  Times times;
  c.fill = [&](std::span<const Outcome> outcomes, Row&) {
    for (std::size_t op = 0; op < program.first.size(); ++op) {
      times.start_s.push_back(outcomes.front().start[program.first[op].value].value());
      times.finish_s.push_back(outcomes.front().finish[program.last[op].value].value());
    }
  };
  run_case(c, cluster, run, "replay");
  return times;
}

}  // namespace

Replay replay(const Recording& recording, const workloads::replay::Dependencies& dependencies, const WhatIf& what, const Networks& networks,
              const KernelModels& kernels, const DataPlaces& data, const RunOptions& run) {
  Replay out;
  out.durations = durations_of(recording, what, networks, kernels, data, run);
  ReplayProgram program;
  if (what.predicted) {
    workloads::replay::Dependencies alone = dependencies;
    workloads::replay::take_turns(recording, alone);
    program = program_of(recording, alone, out.durations.us);
  } else {
    program = program_of(recording, dependencies, out.durations.us);
  }
  out.times = run_program(program, *networks.now, run);
  const Times recorded = workloads::replay::recorded_times(recording);
  out.recorded = overlap_of(recording, recorded);
  out.replayed = overlap_of(recording, out.times);
  const std::vector<double> before = phase_times(recording, recorded), now = phase_times(recording, out.times);
  for (std::size_t i = 0; i < recording.phases.size(); ++i)
    out.phases.push_back({recording.phases[i].name, recording.phases[i].layer, before[i], now[i]});
  using Texts = std::vector<std::string>;
  for (const Texts* notes : {&recording.notes, &dependencies.notes, static_cast<const Texts*>(&out.durations.notes)})
    out.notes.insert(out.notes.end(), notes->begin(), notes->end());
  if (what.predicted)
    out.notes.push_back(
        "kernels that shared the SMs of their GPU while they were recorded take turns, with the time that each takes alone");
  return out;
}

}  // namespace weft::scenarios::replay
