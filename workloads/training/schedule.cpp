// The list of schedules; meson.build names them, registry.py writes one WEFT_KIND(name) line for each.
#include "workloads/training/schedule.h"

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::training {

#define WEFT_KIND(name) ScheduleKind name##_schedule();
#include "workloads/schedule_kinds.inc"
#undef WEFT_KIND

Seconds CellTimes::of(CellKind kind) const {
  switch (kind) {
    case CellKind::forward: return forward;
    case CellKind::backward: return full_backward();
    case CellKind::backward_input: return backward_input;
    case CellKind::weight: return weight;
    case CellKind::overlapped: return pair();
  }
  return {};
}

CellTimes scaled(const CellTimes& times, double factor) {
  CellTimes t = times;
  for (Seconds* part : {&t.forward, &t.backward_input, &t.weight}) *part *= factor;
  if (t.backward) *t.backward *= factor;
  if (t.overlapped) *t.overlapped *= factor;
  return t;
}

const std::vector<ScheduleKind>& schedule_kinds() {
  static const std::vector<ScheduleKind> kinds = {
#define WEFT_KIND(name) name##_schedule(),
#include "workloads/schedule_kinds.inc"
#undef WEFT_KIND
  };
  return kinds;
}

const ScheduleKind& schedule_named(const std::string& name, const std::string& place) {
  std::vector<std::string> known;
  for (const ScheduleKind& k : schedule_kinds()) {
    if (k.name == name) return k;
    known.push_back(k.name);
  }
  throw UserError(place, fmt::format("weft knows no schedule \"{}\"", name), unknown_name_hint(name, known));
}

std::string to_text(CellKind kind) {
  static const char* const kNames[] = {"F", "B", "Bi", "W", "FB"};
  return kNames[static_cast<int>(kind)];
}

std::string to_text(const Cell& cell, const PipelineSchedule& s) {
  const auto pass = [&](const Pass& p) {
    if (s.directions == 1 && s.stages > 2 * s.ranks) return fmt::format("{}@{}", p.micro_batch, p.stage);
    return fmt::format("{}{}", p.direction > 0 || p.stage >= s.ranks ? '-' : '+', p.micro_batch);
  };
  if (cell.kind == CellKind::overlapped) return fmt::format("FB[{}|{}]", pass(cell.forward), pass(cell.backward));
  return to_text(cell.kind) + pass(cell.kind == CellKind::forward ? cell.forward : cell.backward);
}

}  // namespace weft::workloads::training
