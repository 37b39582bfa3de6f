// The program of a ring collective: groups of GPUs, channels, and the edges that a ring goes along.
#pragma once

#include <memory>

#include "models/communication.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"

namespace weft::workloads {

/// Whether switches add up (all-reduce alone), and who starts it: NICs send everything to the switches, which return the sum; or GPUs
/// fetch sums of their part and hand them out again.
enum class SwitchReduction { none, pushed, pulled };

/// `tp` groups at once; group g has the GPUs g, g + tp, g + 2 tp, ... of each node. Ring (channel) c of a group leaves
/// a node by the NIC of the group's c-th GPU there, after a turn over NVLink through the group's GPUs of the node.
struct RingJob {
  std::uint32_t nodes = 1, per_node = 1, tp = 1, channels = 1;
  double passes = 1;
  std::shared_ptr<const Rails> rails;  ///< needed when nodes > 1
  models::CommunicationModel model;
  SwitchReduction in_switches = SwitchReduction::none;
  std::vector<std::uint32_t> leaf_of;  ///< by local index * nodes + node: which switch its NIC is on; needed with in_switches

  std::uint32_t members() const { return per_node / tp; }  ///< of a group, in one node
  std::uint32_t group_size() const { return nodes * members(); }
};

/// A ring is one transfer: its edges move together at the pace of the slowest, each carrying passes (n-1)/n of the
/// ring's part of `size`. Operation g * channels + c is ring c of group g. `trial` changes what ECMP's hash sees.
std::unique_ptr<StaticProgram> ring_program(const RingJob& job, Bytes size, std::size_t trial);

/// An all-reduce by a tree of switches on each rail: operation g * channels + c is NIC c of group g in every node. Inside nodes a
/// reduce-scatter before and an all-gather after it, over NVLink, all of it one pipeline. Each NIC sends its part of `size` once and receives it
/// once ((n + 1) / n of it when pulled, n nodes). Sums join at each leaf, then at that of node 0.
std::unique_ptr<StaticProgram> switch_program(const RingJob& job, Bytes size, std::size_t trial);

}  // namespace weft::workloads
