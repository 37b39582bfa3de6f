// weft's own text form among the formats: it is what others are turned into and out of.
#include "workloads/text_program/text_program.h"
#include "workloads/traces/trace_format.h"

namespace weft::workloads {

TraceFormat program_format() {
  TraceFormat f;
  f.name = "program";
  f.title = "weft's text form, one line an operation";
  f.files = "one file";
  f.read = [](const std::string& path, const TraceOptions&, TraceNotes&) { return read_text_program_file(path); };
  f.write = [](const NamedProgram& program, TraceNotes&) { return std::vector<TraceFile>{{"", write_text_program(program)}}; };
  return f;
}

}  // namespace weft::workloads
