// Where a rank lives: which node, and which GPU of that node.
#pragma once

#include <cstdint>

#include "sim/core/ids.h"

namespace weft::core {

/// A GPU by node and local index.
struct Place {
  NodeId node;
  std::uint32_t local = 0;
  constexpr bool operator==(const Place&) const = default;
};

/// An end of a transfer: a GPU's memory, a NIC (the one with that local index), a node's host memory, its storage NIC; an SSD or the host memory of a
/// storage node (`node` counts storage nodes from 0 then, apart from the others); the switch that the NIC with that local index is on, which is no end of a
/// message but a place where a multicast parts and a reduction joins.
struct Endpoint {
  enum class Kind : std::uint8_t { gpu, nic, host, storage_nic, ssd, storage_host, nic_switch };
  Kind kind = Kind::gpu;
  NodeId node;
  std::uint32_t local = 0;
  constexpr bool operator==(const Endpoint&) const = default;
};

/// Whether an end is in a storage node.
constexpr bool in_storage_node(const Endpoint& e) { return e.kind == Endpoint::Kind::ssd || e.kind == Endpoint::Kind::storage_host; }
/// Whether an end is on the storage network: in a storage node, or the storage NIC of another one.
constexpr bool on_storage_network(const Endpoint& e) { return in_storage_node(e) || e.kind == Endpoint::Kind::storage_nic; }
/// Whether two ends are in one machine.
constexpr bool in_same_machine(const Endpoint& a, const Endpoint& b) { return a.node == b.node && in_storage_node(a) == in_storage_node(b); }
/// A number of its own for every end.
constexpr std::uint64_t word_of(const Endpoint& e) {
  return std::uint64_t{e.node.value} << 32 | std::uint64_t{e.local} << 3 | static_cast<std::uint64_t>(e.kind);
}

constexpr Endpoint gpu_end(Place p) { return {Endpoint::Kind::gpu, p.node, p.local}; }
constexpr Endpoint nic_end(Place p) { return {Endpoint::Kind::nic, p.node, p.local}; }

/// The ranks of a cluster, node by node: rank = node * gpus_per_node + local.
class Placement {
 public:
  Placement() = default;
  Placement(std::uint32_t nodes, std::uint32_t gpus_per_node) : nodes_(nodes), gpus_per_node_(gpus_per_node) {}

  std::uint32_t nodes() const { return nodes_; }
  std::uint32_t gpus_per_node() const { return gpus_per_node_; }
  std::uint32_t ranks() const { return nodes_ * gpus_per_node_; }
  Place place(Rank r) const { return {NodeId(r.value / gpus_per_node_), r.value % gpus_per_node_}; }
  Rank rank(Place p) const { return Rank(p.node.value * gpus_per_node_ + p.local); }

 private:
  std::uint32_t nodes_ = 0;
  std::uint32_t gpus_per_node_ = 1;
};

}  // namespace weft::core

namespace weft { using namespace core; }
