// The list of trace formats; meson.build names them, registry.py writes one WEFT_KIND(name) line for each.
#include "workloads/traces/trace_format.h"

namespace weft::workloads {

#define WEFT_KIND(name) TraceFormat name##_format();
#include "workloads/trace_formats.inc"
#undef WEFT_KIND

const std::vector<TraceFormat>& trace_formats() {
  static const std::vector<TraceFormat> formats = {
#define WEFT_KIND(name) name##_format(),
#include "workloads/trace_formats.inc"
#undef WEFT_KIND
  };
  return formats;
}

}  // namespace weft::workloads
