// The facts of a trace in one small JSON file ("weft-trace/1"): what a replay needs of it, without the calls and operators of the
// profiler's own file.
#pragma once

#include <string>

#include "models/calibration/readers/kineto_trace.h"
#include "sim/core/files.h"

namespace weft::models {

/// Where a trace comes from, kept in the file of its facts.
struct TraceOrigin {
  std::string title, source;
};

/// The text of the file; times count from the earliest of the trace.
std::string trace_facts(const Trace& trace, const TraceOrigin& origin);

/// Throws UserError with the pointer of what is wrong.
Trace read_trace_facts(const std::string& text, const std::string& file);

/// A trace by path (a profiler's file, or one of facts, told apart by what stands in them) or by the name of one in models/data/recordings.
/// A relative path that does not lead anywhere is looked for below $WEFT_REFERENCE too. Throws UserError at `place`.
Trace find_trace(const std::string& given, const DataPlaces& data, const std::string& place);

}  // namespace weft::models
