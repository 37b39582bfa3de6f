// The text form of a program: one line an operation, to be written by hand, compared by diff, and kept. README.md tells its grammar.
#pragma once

#include <string>
#include <string_view>

#include "workloads/named_program.h"

namespace weft::workloads {

/// Reads a text. Operations may be named before their lines. Throws UserError with up to ten problems, each at FILE:LINE.
NamedProgram read_text_program(std::string_view text, const std::string& path);

/// Reads a file (1 GiB at most; "-" is standard input).
NamedProgram read_text_program_file(const std::string& path);

/// Reading what this writes gives the same program, to the last bit. Precondition: what NamedProgram says of itself.
std::string write_text_program(const NamedProgram& program);

/// An end of a leg as the text form says it: "gpu 9", "host of node 1".
std::string end_text(const NamedProgram& program, const Endpoint& end);

}  // namespace weft::workloads
