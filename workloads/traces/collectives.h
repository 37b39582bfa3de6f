// Collectives of a trace as transfers: rings and pairs with the limits and latencies of weft's own collectives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/communication.h"
#include "workloads/named_program.h"
#include "workloads/traces/chakra_nodes.h"
#include "workloads/traces/trace_format.h"

namespace weft::workloads {

/// One collective of a group of ranks.
struct GroupCollective {
  ChakraCollective type = ChakraCollective::barrier;
  Bytes bytes;                         ///< as each rank gives it: all-gather its own part, all others the whole
  std::vector<std::uint32_t> members;  ///< in the order of the ring; a broadcast starts at the first
  std::string name, label;
};

class CollectiveMaker {
 public:
  explicit CollectiveMaker(const TraceOptions& options) : options_(options) {}

  /// Whether it can be made of transfers.
  static bool known(ChakraCollective type);
  /// Appends its transfers, which wait for `after`; returns their places. None when nothing has to move.
  std::vector<std::uint32_t> make(const GroupCollective& c, NamedProgram& out, const std::vector<std::uint32_t>& after);

 private:
  /// A communication model, and which kernel of the program it is.
  struct Kernel {
    std::optional<models::CommunicationModel> model;
    KernelId id;
  };

  const Kernel& kernel(Kernel& k, const std::string& name, NamedProgram& out) const;
  std::vector<std::uint32_t> rings(const GroupCollective& c, double passes, Bytes per_edge, NamedProgram& out,
                                   const std::vector<std::uint32_t>& after);
  std::vector<std::uint32_t> pairs(const GroupCollective& c, NamedProgram& out, const std::vector<std::uint32_t>& after);

  const TraceOptions& options_;
  Kernel ring_, all_to_all_;
};

}  // namespace weft::workloads
