// Reading a Chakra execution trace: the files of its ranks into one program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workloads/traces/rank_trace.h"

namespace weft::workloads {

/// The nodes of one rank, and what its file is called.
struct ChakraRank {
  std::string file;
  std::string_view bytes;
};

/// Throws UserError naming the file and the node.
NamedProgram read_chakra(const std::vector<ChakraRank>& ranks, const TraceOptions& options, TraceNotes& notes);

}  // namespace weft::workloads
