// Paths: every link that a flow can load, physical or virtual, and interned pieces of path over them.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "sim/core/ids.h"
#include "sim/engine/fluid/blocks.h"
#include "topology/router.h"
#include "workloads/program.h"

namespace weft::engine {

/// Links that are as good as one, since every symmetry of what runs turns each into the others: one stands for all.
struct LinkOrbits {
  std::vector<std::uint32_t> representative;   ///< by physical link; its own for those alone
  std::vector<std::uint32_t> size;             ///< by representative: how many links it stands for, of equal capacity
};

/// Links are numbered: first the fabric's, by LinkId, then one virtual link per (link, kernel) whose kernel has a rate
/// of its own there. A virtual link is loaded by payload bytes: a kernel's rate is a payload rate.
///
/// A link can never be what limits a flow when every segment that crosses it also crosses another, tighter one: it is
/// covered, and solvers may leave it out. (The cables and buses of a NIC behind its tightest one; all but one of the
/// equal cables of a spray.) A new segment or a new capacity can uncover it; once uncovered it stays so.
class Paths {
 public:
  struct Load {
    std::uint32_t link;
    double coefficient;   ///< bytes on the link per byte of the flow
  };

  /// With `orbits`, which has to outlive this, a link carries the loads of all that it stands for and has their summed
  /// capacity; the capacity of a link that stands for several never changes.
  Paths(const topology::Router& router, std::span<const workloads::CommKernel> kernels, const LinkOrbits* orbits = nullptr);

  std::uint32_t link_count() const { return static_cast<std::uint32_t>(capacity_.size()); }
  std::uint32_t physical_links() const { return physical_; }
  /// Of a virtual link: where it is (of folded links the one that stands for them), and whose rate it is.
  struct Virtual {
    LinkId link;
    KernelId kernel;
  };
  /// Precondition: not a physical link.
  const Virtual& virtual_of(std::uint32_t link) const { return virtual_links_[link - physical_]; }
  double capacity(std::uint32_t link) const { return capacity_[link]; }
  void set_capacity(std::uint32_t link, double rate);
  bool covered(std::uint32_t link) const { return cover_[link] < no_cover; }
  /// Links uncovered since they were last cleared; the caller clears them.
  std::vector<std::uint32_t>& uncovered() { return uncovered_; }

  std::uint32_t piece_count() const { return static_cast<std::uint32_t>(pieces_.size()); }
  std::span<const Load> piece(std::uint32_t p) const { return {loads_.data() + pieces_[p].first, pieces_[p].count}; }
  bool piece_crosses(std::uint32_t p, std::uint32_t link) const;

  /// The piece for a share of a router's segment under a kernel; asked again, the same one.
  std::uint32_t piece_of(SegmentId segment, KernelId kernel, double share);
  /// Appends the loads of a share of a segment, virtual links included.
  void expand(SegmentId segment, KernelId kernel, double share, std::vector<Load>& out);
  /// A new piece of these loads; adds up links that occur more than once.
  std::uint32_t add_piece(std::vector<Load>& loads);
  /// The same for a piece that is used once and then released; its number is used again. Counts its users.
  std::uint32_t add_passing_piece(std::vector<Load>& loads);
  bool passing(std::uint32_t p) const { return pieces_[p].users > 0; }
  void use(std::uint32_t p) { ++pieces_[p].users; }
  /// True when this was the last use.
  bool release(std::uint32_t p) { return --pieces_[p].users == 1; }
  void forget(std::uint32_t p);
  /// Whether any piece so far has crossed the link.
  bool crossed(std::uint32_t link) const { return cover_[link] != unseen; }

 private:
  struct Key {
    std::uint32_t segment, kernel;
    double share;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const;
  };
  static constexpr std::uint32_t unseen = ~std::uint32_t{0}, no_cover = unseen - 1;
  LinkId standing_for(LinkId link) const;
  std::size_t add_up(std::span<Load> loads);
  std::uint32_t virtual_link(LinkId link, KernelId kernel, BytesPerSecond rate);
  void add_link(double capacity);
  void cover_links_of(std::span<const Load> segment);
  bool tighter(const Load& a, const Load& b) const;
  void uncover(std::uint32_t link);

  const topology::Router& router_;
  std::span<const workloads::CommKernel> kernels_;
  const LinkOrbits* orbits_;
  std::uint32_t physical_;
  std::vector<double> capacity_;
  std::vector<std::uint32_t> cover_, uncovered_;   // by link: the tighter link, no_cover, or unseen so far
  std::vector<double> by_link_;                      // by link: scratch, all zero
  std::unordered_map<std::uint64_t, std::uint32_t> virtual_;   // by (kernel, link); looked up only
  std::vector<Virtual> virtual_links_;
  std::vector<std::vector<std::uint32_t>> whole_;              // by kernel + 1 and segment: its piece, for share 1
  std::unordered_map<Key, std::uint32_t, KeyHash> partial_;    // looked up only
  struct Piece {
    std::uint32_t first = 0, count = 0;   // in loads_
    std::uint32_t users = 0;              // of a passing piece, and one more; 0 for a piece that stays
  };
  std::vector<Piece> pieces_;
  std::vector<std::uint32_t> free_pieces_;
  Blocks blocks_;                         // of loads_
  std::vector<Load> loads_, scratch_;
};

}  // namespace weft::engine
