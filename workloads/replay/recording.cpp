#include "workloads/replay/recording.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "models/calibration/readers/kineto_names.h"

namespace weft::workloads::replay {
namespace {

using models::KernelShape;
using models::Trace;
using models::TraceKernel;

Role role_of(const models::KernelKind& kind) {
  if (kind.family.starts_with("deepep") || kind.family == "nccl") return Role::exchange;
  if (kind.family != "communication") return Role::compute;
  if (kind.variant == "notify") return Role::peers;
  return kind.variant == "layout" ? Role::compute : Role::exchange;
}

std::string name_of(const TraceKernel& k) {
  if (k.what != TraceKernel::What::kernel) return k.name.substr(0, 80);
  return models::short_kernel_name(k.name);
}

std::uint32_t stream_of(Recording& r, const TraceKernel& k) {
  for (std::uint32_t i = 0; i < r.streams.size(); ++i) {
    if (r.streams[i].device == k.device && r.streams[i].number == k.stream) return i;
  }
  r.streams.push_back({k.device, k.stream});
  return static_cast<std::uint32_t>(r.streams.size() - 1);
}

void judge_streams(Recording& r) {
  std::vector<double> all(r.streams.size()), exchanged(r.streams.size()), end(r.streams.size(), -1e300);
  for (const RecordedOp& op : r.ops) {
    all[op.stream] += op.time_us;
    if (op.role != Role::compute) exchanged[op.stream] += op.time_us;
    if (op.start_us < end[op.stream]) r.streams[op.stream].overlaps = true;
    end[op.stream] = std::max(end[op.stream], op.end_us());
  }
  for (std::size_t i = 0; i < r.streams.size(); ++i) r.streams[i].communication = exchanged[i] > all[i] / 2;
}

/// Shapes of the weight gradients of single experts, whose rows are taken to be equal.
void add_expert_gradients(const models::KnownTraining& known, double world_size, Recording& r) {
  const double groups = world_size > 0 ? known.experts / world_size : 0;
  if (groups < 1) return;
  std::map<std::string, double> rows_of;  // by phase name, of its last run so far
  for (const Phase& phase : r.phases) {
    for (const std::uint32_t i : phase.ops) {
      RecordedOp& op = r.ops[i];
      if (op.rows > 0) rows_of[phase.name] = op.rows;
      const auto g = known.expert_gradients.find(op.shape.operation);
      if (g == known.expert_gradients.end() || !op.shape.shape.empty()) continue;
      const auto rows = rows_of.find(g->second.rows_of);
      if (rows == rows_of.end()) continue;
      op.shape.shape = {{"m", g->second.m}, {"n", g->second.n}, {"k", rows->second / groups}, {"sms", r.compute_sms}};
      op.rows = rows->second;
      op.assumed_shape = true;
    }
  }
}

/// Trace order (launch) to recording order (start), phases and what they tell of rows.
void add_phases(const std::vector<models::PhaseRun>& runs, const Trace& trace, const std::vector<std::uint32_t>& number, Recording& r) {
  std::map<std::string, std::int64_t> count;
  for (const models::PhaseRun& run : runs) {
    Phase phase;
    phase.name = trace.kernels[run.kernels.front()].phase;
    phase.layer = ++count[phase.name];
    for (const std::size_t k : run.kernels) {
      RecordedOp& op = r.ops[number[k]];
      op.phase = static_cast<std::int32_t>(r.phases.size());
      op.rows = run.rows;
      op.received = run.received;
      phase.ops.push_back(number[k]);
    }
    std::sort(phase.ops.begin(), phase.ops.end());
    r.phases.push_back(std::move(phase));
  }
}

}  // namespace

double Recording::span_us() const {
  double end = 0;
  for (const RecordedOp& op : ops) end = std::max(end, op.end_us() - ops.front().start_us);
  return end;
}

Recording recording_of(const Trace& trace, const DataPlaces& data) {
  Recording r;
  r.device = trace.device;
  r.source = trace.source;
  r.sms = trace.sms;
  r.world_size = trace.world_size;
  r.calls = trace.calls;
  const auto known = models::known_training(trace, data);
  const models::TraceSizes sizes = models::sizes_of(trace);
  r.compute_sms = sizes.sms;
  std::vector<KernelShape> shapes;
  if (known) {
    shapes = models::shapes_of(trace, *known, r.notes);
    r.known = known->title;
    r.tokens = sizes.tokens, r.experts = known->experts, r.topk = known->topk;
    r.after = known->after;
  } else {
    for (const TraceKernel& k : trace.kernels) shapes.push_back({models::kernel_kind(k.name), {}, {}});
  }
  std::vector<std::uint32_t> order(trace.kernels.size()), number(order.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return trace.kernels[a].start_us < trace.kernels[b].start_us; });
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    const TraceKernel& k = trace.kernels[order[i]];
    number[order[i]] = i;
    RecordedOp op{name_of(k), k.what, shapes[order[i]], Role::compute, k.start_us, k.time_us, k.launch_us, k.launched, stream_of(r, k)};
    if (k.what == TraceKernel::What::kernel) op.role = role_of(op.shape.kind);
    std::copy(k.grid.begin(), k.grid.end(), op.blocks);
    r.ops.push_back(std::move(op));
  }
  for (std::uint32_t k = 0; k < number.size(); ++k) {
    if (trace.kernels[k].launched) r.launches.push_back(number[k]);
  }
  add_phases(models::phase_runs(trace, sizes), trace, number, r);
  if (known) add_expert_gradients(*known, trace.world_size, r);
  judge_streams(r);
  return r;
}

}  // namespace weft::workloads::replay
