// A NamedProgram: operations with names, all of them known, as the text form says them and foreign traces are read into.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workloads/operation_order.h"
#include "workloads/static_program.h"

namespace weft::workloads {

/// As many operations and legs as a NamedProgram may have: some hundred bytes each.
constexpr std::size_t kMostNamedOperations = 2'000'000;
constexpr std::size_t kMostNamedLegs = 16'000'000;
/// Ranks that it may speak of.
constexpr std::uint32_t kMostNamedRanks = 1u << 20;

struct NamedOperation {
  enum class Kind : std::uint8_t { compute, transfer, marker };
  Kind kind = Kind::marker;
  std::string name;          ///< its own: never empty, never that of another
  std::string label;         ///< what it is, for people: "attn(F)"; may be empty
  std::optional<Rank> rank;  ///< whose it is; computes and markers
  Seconds duration;          ///< of a compute; delay of a marker
  std::string stream;        ///< computes: one after the other in the order of `operations`; empty: on its own.
                             ///< Streams of one name are one stream when their rank is one, or none
  std::uint32_t sms = 0;
  Bytes bytes;  ///< of a transfer, as are the rest
  std::vector<Leg> legs;
  StaticProgram::TransferOptions options;
  std::vector<std::uint32_t> after;  ///< places in `operations` of what it waits for, in any order
  bool operator==(const NamedOperation&) const = default;
};

struct NamedProgram {
  std::uint32_t ranks = 0;          ///< GPUs 0 to ranks - 1
  std::uint32_t per_node = 1;       ///< GPU r is number r % per_node of node r / per_node
  std::vector<CommKernel> kernels;  ///< each with a name of its own
  std::vector<NamedOperation> operations;
  bool operator==(const NamedProgram&) const = default;

  std::uint32_t nodes() const { return (ranks + per_node - 1) / per_node; }
  Endpoint gpu(std::uint32_t rank) const { return {Endpoint::Kind::gpu, NodeId(rank / per_node), rank % per_node}; }
};

/// What each operation waits for: its `after`, and for a compute what comes before it in its stream.
WaitLists waits_of(const NamedProgram& program);

/// "a" waits for "b", "b" comes after "a" in stream main of rank 0: the sentence about a loop.
std::string loop_text(const NamedProgram& program, const std::vector<std::uint32_t>& loop);

/// Puts `more` behind `program`: a marker, called `prefix`, waits for all that nobody waits for yet, and what began at once in `more` waits
/// for it. Names of operations and streams of `more` get "PREFIX." before them. Precondition: ranks and GPUs a node are the same.
void append(NamedProgram& program, NamedProgram more, const std::string& prefix);

/// The program that an engine runs: its operation i is number order[i] of `program`. Precondition: `order` is that of waits_of().
std::unique_ptr<StaticProgram> static_program(const NamedProgram& program, const std::vector<std::uint32_t>& order);

}  // namespace weft::workloads
