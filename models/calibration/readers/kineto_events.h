// The events of a Chrome trace, one by one: read while parsing, so that a trace of a gigabyte needs no tree of a gigabyte.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "models/calibration/readers/reader.h"

namespace weft::models {

struct TraceEvent {
  std::size_t number = 0;                  ///< position in traceEvents
  std::string phase, category, name;       ///< "X", "kernel", ...
  std::optional<double> ts, dur;           ///< us; nothing when the event has none, or one that is no number
  std::int64_t correlation = -1, stream = 0, device = 0;
  std::array<double, 3> grid{1, 1, 1}, block{1, 1, 1};
  double shared_memory = 0, bytes = 0;
};

struct TraceHeader {
  struct Device {
    std::string name;
    double sms = 0;
  };
  std::map<std::int64_t, Device> devices;  ///< by number
  double world_size = 0;                   ///< 0: not said
};

/// Calls `on_event` for each event in the order of the file. Throws UserError for what is no JSON, is cut off, or holds no list of events.
TraceHeader read_trace_events(const MeasurementText& file, const std::function<void(const TraceEvent&)>& on_event);

}  // namespace weft::models
