// Symmetry: which ranks of a Program are alike, and how the operations of one tell those of another.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/placement.h"
#include "workloads/program.h"

namespace weft::workloads {

/// A permutation of ranks: rank r takes the place of rank image[r].
using Permutation = std::vector<std::uint32_t>;

/// Blocks of ranks that a program believes it can exchange without changing: number j of one block takes the place of number
/// j of another. All blocks are of one size and share no rank.
struct Interchange {
  std::vector<std::vector<std::uint32_t>> blocks;
  bool any_order = true;   ///< any permutation of the blocks; else only rotations of all of them
};

/// What a program says of itself. An engine proposes permutations made of the interchanges, keeps those that the fabric in use
/// has too, and holds a sample of the operations (all of a small program) against them; then it may run the operations of one
/// rank for all those that these permutations turn into each other. A rank whose operations are drawn at random, or of its
/// own size, must stand in no interchange.
///
/// Every operation has an owner, one of the ranks. The owner's operations, and what Program::on_complete() emits when one of
/// them is done, may depend on those of others only by `after`; on_complete() emits operations of that owner alone, and hears
/// of no others' when ranks are folded. A stream belongs to one owner, and images keep the order of its operations.
class Symmetry {
 public:
  virtual ~Symmetry() = default;
  /// Ranks are GPUs 0 to gpus_per_node() - 1 of nodes 0 to nodes() - 1: rank = node * gpus_per_node + local.
  virtual Placement ranks() const = 0;
  virtual std::vector<Interchange> interchanges() const = 0;
  /// How many operations all ranks emit at the start.
  virtual std::uint64_t operations() const = 0;
  /// Emits what Program::start() does of one owner, in the same order.
  virtual void emit(std::uint32_t rank, Sink& sink) = 0;
  virtual std::uint32_t owner(OpId op) const = 0;
  /// The operation that takes the place of `op` when ranks change places; invalid when there is none. One to one, so that
  /// it also finds the way back.
  virtual OpId image(OpId op, std::span<const std::uint32_t> image) const = 0;
};

/// Moves ends of transfers along with the ranks: those of a whole node together. Storage nodes stay.
class MovedEnds {
 public:
  /// Precondition: `image` keeps nodes together.
  MovedEnds(Placement ranks, std::span<const std::uint32_t> image) : ranks_(ranks), image_(image) {}
  Endpoint operator()(const Endpoint& e) const {
    if (in_storage_node(e) || e.node.value >= ranks_.nodes()) return e;
    const bool own = e.kind != Endpoint::Kind::storage_nic && e.local < ranks_.gpus_per_node();
    const Place to = ranks_.place(Rank(image_[ranks_.rank({e.node, own ? e.local : 0}).value]));
    return {e.kind, to.node, own ? to.local : e.local};
  }

 private:
  Placement ranks_;
  std::span<const std::uint32_t> image_;
};

/// Whole nodes, in any order or rotated.
Interchange whole_nodes(Placement ranks, bool any_order = true);
/// The GPUs with one local index, of all nodes together.
Interchange local_indices(Placement ranks, bool any_order = true);
/// The cycles of nodes that "by `by` nodes further" goes round: {r, r + by, r + 2 by, ...} modulo the nodes.
Interchange node_cycles(Placement ranks, std::uint32_t by);

}  // namespace weft::workloads
