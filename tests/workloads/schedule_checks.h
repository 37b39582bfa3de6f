// Shared by the tests of pipeline schedules: making and playing one by name, and its cells as text.
#pragma once

#include <string>

#include "sim/core/error.h"
#include "workloads/training/schedule_times.h"

namespace weft::workloads::training::test {

inline PipelineSchedule schedule_of(const std::string& name, std::uint32_t ranks, std::uint32_t micro_batches, std::uint32_t chunks = 2) {
  return schedule_named(name, "NAME").make({ranks, micro_batches, chunks});
}

/// Times of one stage in any unit; `fb` 0: a forward, then a full backward.
inline CellTimes times(double f, double b, double w, double fb = 0) {
  CellTimes t{Seconds(f), Seconds(b), Seconds(w), {}, {}};
  if (fb > 0) t.overlapped = Seconds(fb);
  return t;
}

/// The cells of a rank: "F+0 F+1 B+0".
inline std::string text_of(const PipelineSchedule& s, std::uint32_t rank) {
  std::string text;
  for (const Cell& c : s.cells[rank]) text += (text.empty() ? "" : " ") + to_text(c, s);
  return text;
}

inline std::vector<double> numbers(const std::vector<Seconds>& times) {
  std::vector<double> out;
  for (Seconds t : times) out.push_back(t.value());
  return out;
}

/// The words of the UserError that making the schedule ends in; empty when it does not.
inline std::string refusal(const std::string& name, std::uint32_t ranks, std::uint32_t micro_batches, std::uint32_t chunks = 2) {
  try {
    schedule_of(name, ranks, micro_batches, chunks);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

}  // namespace weft::workloads::training::test
