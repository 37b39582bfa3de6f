// A Ledger: what each operation of a small program takes at least, what it loads, and which phase it belongs to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/ids.h"

namespace weft::analysis {

/// Written during a Walk, read by the guard. A program with more operations than `most` is not kept.
///
/// Phase 1 are operations that nothing comes before; phase p + 1 those that wait for one of phase p (or that the program emits
/// when one of them is done), and for none of a later phase.
class Ledger {
 public:
  enum class Kind : std::uint8_t { none, transfer, compute, marker };
  /// Bytes that a transfer moves over one segment of path.
  struct Load {
    SegmentId segment;
    double bytes;
  };
  struct Entry {
    Kind kind = Kind::none;        ///< none: no operation has this id
    std::uint32_t phase = 0;
    KernelId kernel;
    double least = 0;              ///< seconds
    std::uint32_t first = 0, count = 0;   ///< its loads
  };

  explicit Ledger(std::size_t most) : most_(most) {}

  /// False: the program was too large, and nothing is known.
  bool complete() const { return complete_; }
  /// By OpId.
  std::span<const Entry> entries() const { return entries_; }
  std::span<const Load> loads(const Entry& e) const { return {loads_.data() + e.first, e.count}; }
  std::uint32_t phases() const { return phases_; }

  /// Says that so many operations are about to be opened: a large program is given up at once.
  void expect(std::size_t operations) {
    if (count_ + operations > most_) give_up();
  }

  // Written by a walk: open, then loads, then close. What is emitted after completing() came about by that operation.
  void open(OpId id, Kind kind, std::span<const OpId> after, OpId and_after = {});
  void load(SegmentId segment, double bytes) {
    if (complete_) loads_.push_back({segment, bytes});
  }
  void set_kernel(KernelId kernel) {
    if (complete_) entries_[at_].kernel = kernel;
  }
  void close(double least);
  void completing(OpId id) { cause_ = id; }

 private:
  std::uint32_t phase_of(OpId id) const { return id.valid() && id.value < entries_.size() ? entries_[id.value].phase : 0; }

  void give_up();

  std::size_t most_, count_ = 0;
  bool complete_ = true;
  std::vector<Entry> entries_;
  std::vector<Load> loads_;
  std::uint32_t phases_ = 0, at_ = 0;
  OpId cause_;
};

}  // namespace weft::analysis
