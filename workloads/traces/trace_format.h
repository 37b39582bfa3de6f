// A TraceFormat: how programs of other tools are read into a NamedProgram and written from one; one file a format.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/files.h"
#include "workloads/named_program.h"

namespace weft::workloads {

/// What a foreign trace does not say, and weft has to know.
struct TraceOptions {
  std::uint32_t per_node = 8;             ///< GPUs of a node: traces know ranks alone
  Bytes eager;                            ///< messages up to this size start before their receiver is ready
  bool pxn = true;                        ///< between nodes, go via the GPU of the sender's node that has the receiver's number
  std::optional<FlopsPerSecond> peak;     ///< for operations that say their FLOP but no time
  std::string groups;                     ///< Chakra: a JSON file of communicator groups; empty: none
  std::string ring_kernel = "nccl_ring";  ///< communication kernels of collectives, as in models/data/communication
  std::string all_to_all_kernel = "nccl_all_to_all";
  const DataPlaces* data = nullptr;  ///< where these are; never null
};

/// What is written: the end of its name ("" or ".0.et", behind what the user calls it) and its bytes.
struct TraceFile {
  std::string suffix, bytes;
};

using TraceNotes = std::vector<std::string>;

struct TraceFormat {
  std::string name;  ///< "goal", as the command line takes it
  std::string title;
  std::string files;  ///< what is read and written: "PREFIX.0.et, PREFIX.1.et, ..."
  /// Null: cannot be read. `path` is as the user gave it. What was approximated is added to `notes`. Throws UserError with
  /// FILE:LINE, or the file and the node.
  NamedProgram (*read)(const std::string& path, const TraceOptions& options, TraceNotes& notes) = nullptr;
  /// Null: cannot be written. Throws UserError naming the operation that the format cannot say.
  std::vector<TraceFile> (*write)(const NamedProgram& program, TraceNotes& notes) = nullptr;
};

/// All formats, in the order of `trace_names` in workloads/meson.build.
const std::vector<TraceFormat>& trace_formats();

}  // namespace weft::workloads
