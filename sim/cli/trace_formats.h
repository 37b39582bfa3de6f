// What import and export share: formats by name, and how what they read and write is told.
#pragma once

#include <string>

#include "sim/cli/app.h"
#include "workloads/traces/trace_format.h"

namespace weft::cli {

/// The format of this name that can be read (or written); throws UserError that lists those.
const workloads::TraceFormat& format_named(const std::string& name, bool to_read);

/// Lines for --help: each format with its files.
std::string format_lines(bool to_read);

/// Writes what a format makes of the program: to stdout when there is one file and no -o, else to -o FILE or -o PREFIX. Notes go
/// to stderr.
void emit_trace(const workloads::NamedProgram& program, const workloads::TraceFormat& format, const Common& common);

/// "1234 operations of 16 ranks: 1000 transfers, 200 computes, 34 markers".
std::string counted(const workloads::NamedProgram& program);

}  // namespace weft::cli
