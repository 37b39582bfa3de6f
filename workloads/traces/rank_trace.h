// A RankTrace: what each rank does by itself, with sends and receives that find their partners, as GOAL and Chakra say it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workloads/named_program.h"
#include "workloads/traces/trace_format.h"

namespace weft::workloads {

struct RankOperation {
  enum class Kind : std::uint8_t { compute, marker, send, receive, collective };
  Kind kind = Kind::marker;
  std::string name;  ///< its own in its rank
  std::string label;
  std::string place;   ///< where it was read, for messages: "a.goal:17" or "node 3 (\"x\") of t.0.et"
  Seconds duration;    ///< of a compute; delay of a marker
  std::string stream;  ///< of a compute; empty: on its own
  std::uint32_t sms = 0;
  Bytes bytes;                             ///< of a message
  std::uint32_t peer = 0;                  ///< rank at the other end of a message
  std::int64_t tag = 0;                    ///< messages of a pair of ranks meet when their tags are one, first with first
  std::uint32_t collective = 0;            ///< place in RankTrace::collectives
  std::vector<std::uint32_t> after;        ///< places in its rank of what it waits for to finish
  std::vector<std::uint32_t> after_start;  ///< ... to start
};

/// An operation of several ranks, each of which has one RankOperation for it.
struct Collective {
  std::string name;
  /// Appends its transfers, which wait for `after`; returns those that have to finish. Called once.
  std::function<std::vector<std::uint32_t>(NamedProgram& out, const std::vector<std::uint32_t>& after)> expand;
};

struct RankTrace {
  std::vector<std::vector<RankOperation>> ranks;
  std::vector<Collective> collectives;
};

/// Sends meet receives and become transfers. A message starts when both ends have finished what they wait for (up to
/// `options.eager` bytes when its sender has), and both ends are done when its last byte has arrived. Throws UserError for
/// ranks and messages without a partner, and for loops.
NamedProgram joined(RankTrace trace, const TraceOptions& options);

/// The legs of a message: inside a node from GPU to GPU; else, with `pxn`, by the receiver's rail.
std::vector<Leg> message_legs(const NamedProgram& shape, std::uint32_t from, std::uint32_t to, bool pxn);

/// What a program says rank by rank. Transfers come apart into messages; where a rank waits for what happened elsewhere, an
/// empty message tells it. `notes` says what got lost. Throws UserError naming the operation that has no rank, or an end that
/// is no GPU's.
RankTrace rank_trace(const NamedProgram& program, TraceNotes& notes);

}  // namespace weft::workloads
