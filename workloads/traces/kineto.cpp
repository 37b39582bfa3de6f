// Kineto traces (torch.profiler) as programs: one GPU's operations with recorded durations, behind what a replay finds that they wait for.
#include <fmt/format.h>

#include "models/calibration/readers/trace_facts.h"
#include "workloads/program_recorder.h"
#include "workloads/replay/replay_program.h"
#include "workloads/traces/trace_format.h"

namespace weft::workloads {
namespace {

using replay::Recording;

/// A stream as the trace numbers it; with its device when there are several.
std::string stream_name(const Recording& r, std::uint32_t stream) {
  const replay::Stream& s = r.streams[stream];
  return s.device == r.streams[0].device ? fmt::format("stream{}", s.number) : fmt::format("device{}.stream{}", s.device, s.number);
}

/// What the recording knows of each compute: its kernel, its stream, its phase. Operations stand at the place of their id.
void tell_names(const Recording& r, const replay::ReplayProgram& replayed, NamedProgram& out) {
  for (NamedOperation& op : out.operations) op.rank = Rank(0);
  for (std::size_t i = 0; i < r.ops.size(); ++i) {
    const replay::RecordedOp& recorded = r.ops[i];
    const std::string stream = r.streams[recorded.stream].overlaps ? "" : stream_name(r, recorded.stream);
    const std::uint32_t first = replayed.first[i].value, last = replayed.last[i].value;
    for (std::uint32_t part = first; part <= last; ++part) {
      NamedOperation& op = out.operations[part];
      op.name = first == last ? fmt::format("k{}", i) : fmt::format("k{}.{}", i, part - first);
      op.label = recorded.phase < 0 ? recorded.name
                                    : fmt::format("{}: {}", r.phases[static_cast<std::size_t>(recorded.phase)].name, recorded.name);
      op.stream = stream;
    }
  }
}

NamedProgram read_kineto(const std::string& path, const TraceOptions& options, TraceNotes& notes) {
  const Recording recording = replay::recording_of(models::find_trace(path, *options.data, "FILE"), *options.data);
  const replay::Dependencies dependencies = replay::dependencies_of(recording);
  std::vector<double> durations_us;
  for (const replay::RecordedOp& op : recording.ops) durations_us.push_back(op.time_us);
  replay::ReplayProgram replayed = replay::program_of(recording, dependencies, durations_us);
  ProgramRecorder recorder(replayed.program, Placement(1, options.per_node));
  recorder.start_alone();
  NamedProgram out = recorder.take();
  out.ranks = 1;
  tell_names(recording, replayed, out);
  notes = recording.notes;
  notes.insert(notes.end(), dependencies.notes.begin(), dependencies.notes.end());
  notes.push_back(
      "communication kernels keep their recorded durations: a trace of one rank does not say what the others do (weft replay simulates "
      "them)");
  return out;
}

}  // namespace

TraceFormat kineto_format() {
  TraceFormat f;
  f.name = "kineto";
  f.title = "Kineto traces (torch.profiler), one GPU";
  f.files = "one file, or the name of a shipped recording";
  f.read = read_kineto;
  return f;
}

}  // namespace weft::workloads
