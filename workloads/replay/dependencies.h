// What an operation of a recording waits for: found from stream order, launches, the program's known order, and where stalls end.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "workloads/replay/recording.h"

namespace weft::workloads::replay {

/// Why one operation comes after another.
enum class Reason : std::uint8_t {
  stream,  ///< the operation before it on its stream
  phase,   ///< the known training says that its phase waits for that phase
  event,   ///< the CPU made a stream wait for an event here; which one is inferred
  timing,  ///< it stalled, and went on as that one ended: SMs that came free, or an event
};

/// "stream", "phase", "event", "timing".
const char* to_text(Reason reason);

struct Dependency {
  std::uint32_t on = 0;
  double lag_us = 0;  ///< after the end of `on`; below zero: while its last blocks run, so long before its end
  Reason reason = Reason::stream;
};

/// The CPU hands over an operation; launches come one after the other, over all threads.
struct Launch {
  std::uint32_t op = 0;
  double gap_us = 0;  ///< since the launch before it, without waiting
  struct Wait {
    std::uint32_t on = 0;
    double lag_us = 0;
  };
  std::optional<Wait> waits;  ///< the CPU waited until that operation had ended
};

struct Dependencies {
  std::vector<std::vector<Dependency>> of;  ///< by operation
  std::vector<Launch> launches;
  std::vector<double> latency_us;  ///< by operation: from launch to start at least; below zero: no launch is known
  std::vector<std::string> notes;  ///< how many of which kind, and what could not be explained
};

/// Every dependency agrees with the recording: played with recorded durations, no operation starts later than it did.
Dependencies dependencies_of(const Recording& recording);

/// Which operations start later, or may, when this one takes longer; itself is not among them.
std::vector<bool> dependents_of(const Dependencies& dependencies, std::uint32_t op);

/// For each phase with a known predecessor, and else for each wait of a stream: (waiting operation, operation waited for, reason). Only
/// what the recording does not contradict; adds notes on what it does.
struct Order {
  std::uint32_t op = 0, on = 0;
  Reason reason = Reason::phase;
};
std::vector<Order> program_order(const Recording& recording, std::vector<std::string>& notes);

}  // namespace weft::workloads::replay
