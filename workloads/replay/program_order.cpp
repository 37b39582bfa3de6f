// Order between streams that a trace does not tell by itself: from the phases of a known training, else from the CPU's calls.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "workloads/replay/dependencies.h"

namespace weft::workloads::replay {
namespace {

/// The operation of a phase that the CPU launched first.
std::uint32_t first_launched(const Recording& r, const Phase& phase) {
  return *std::min_element(phase.ops.begin(), phase.ops.end(),
                           [&](std::uint32_t a, std::uint32_t b) { return r.ops[a].launch_us < r.ops[b].launch_us; });
}

/// The last operation of a phase on each of its streams.
std::vector<std::uint32_t> last_ones(const Recording& r, const Phase& phase) {
  std::map<std::uint32_t, std::uint32_t> last;
  for (const std::uint32_t op : phase.ops) last[r.ops[op].stream] = op;
  std::vector<std::uint32_t> out;
  for (const auto& [stream, op] : last) out.push_back(op);
  return out;
}

bool allowed(const Recording& r, std::uint32_t op, std::uint32_t on) { return on < op && r.ops[on].end_us() <= r.ops[op].start_us; }

void order_by_phases(const Recording& r, std::vector<Order>& out, std::vector<std::string>& notes) {
  std::map<std::string, const Phase*> last;
  std::size_t contradicted = 0;
  for (const Phase& phase : r.phases) {
    const auto rule = r.after.find(phase.name);
    const auto earlier = rule == r.after.end() ? last.end() : last.find(rule->second);
    if (earlier != last.end()) {
      const std::uint32_t op = first_launched(r, phase);
      for (const std::uint32_t on : last_ones(r, *earlier->second)) {
        if (allowed(r, op, on)) out.push_back({op, on, Reason::phase});
        else ++contradicted;
      }
    }
    last[phase.name] = &phase;
  }
  if (contradicted > 0)
    notes.push_back(
        fmt::format("{} times a phase began before the one that it should wait for had ended: there it does not wait", contradicted));
}

/// Operations of one stream in the order of launch.
struct Launched {
  std::vector<std::uint32_t> ops;
};

/// The last operation launched on a stream before `at_us` that `op` can have waited for: the very last one, else the end of an earlier
/// phase.
std::optional<std::uint32_t> waited_for(const Recording& r, const Launched& stream, double at_us, std::uint32_t op) {
  const auto end = std::partition_point(stream.ops.begin(), stream.ops.end(), [&](std::uint32_t x) { return r.ops[x].launch_us <= at_us; });
  const auto n = static_cast<std::size_t>(end - stream.ops.begin());
  for (std::size_t i = n; i > 0; --i) {
    const std::uint32_t on = stream.ops[i - 1];
    const bool ends_phase = i == n || r.ops[stream.ops[i]].phase != r.ops[on].phase;
    if (ends_phase && allowed(r, op, on)) return on;
  }
  return std::nullopt;
}

void order_by_waits(const Recording& r, std::vector<Order>& out, std::vector<std::string>& notes) {
  std::vector<Launched> streams(r.streams.size());
  for (const std::uint32_t op : r.launches) streams[r.ops[op].stream].ops.push_back(op);
  std::size_t waits = 0, next = 0, found = 0;
  for (const models::TraceCall& call : r.calls) {
    if (call.what != models::TraceCall::What::wait) continue;
    ++waits;
    while (next < r.launches.size() && r.ops[r.launches[next]].launch_us < call.begin_us) ++next;
    if (next == 0 || next == r.launches.size()) continue;
    const std::uint32_t op = r.launches[next], before = r.launches[next - 1];
    // Most often the event was recorded where the last launch went; a stream that waits for itself means another one.
    std::optional<std::uint32_t> on;
    for (std::uint32_t s = 0; s < streams.size(); ++s) {
      if (s == r.ops[op].stream || (r.ops[before].stream != r.ops[op].stream && s != r.ops[before].stream)) continue;
      const auto candidate = waited_for(r, streams[s], call.begin_us, op);
      if (candidate && (!on || r.ops[*candidate].end_us() > r.ops[*on].end_us())) on = candidate;
    }
    if (!on) continue;
    ++found;
    out.push_back({op, *on, Reason::event});
  }
  if (waits > 0) {
    notes.push_back(
        fmt::format("{} calls make a stream wait, and the trace does not say for what: {} were taken to mean the last operation, or the "
                    "end of the last phase, "
                    "launched before on another stream that had ended by then",
                    waits, found));
  }
}

}  // namespace

std::vector<Order> program_order(const Recording& recording, std::vector<std::string>& notes) {
  std::vector<Order> out;
  if (!recording.after.empty()) order_by_phases(recording, out, notes);
  else order_by_waits(recording, out, notes);
  return out;
}

}  // namespace weft::workloads::replay
