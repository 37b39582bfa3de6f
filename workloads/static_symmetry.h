// StaticSymmetry: the Symmetry of a program that is known before it starts, found by looking its operations up.
#pragma once

#include <memory>
#include <vector>

#include "workloads/symmetry.h"

namespace weft::workloads {

class StaticProgram;

/// What a StaticProgram is told about its ranks.
struct OwnedOperations {
  Placement ranks;
  std::vector<Interchange> interchanges;
  std::vector<std::uint32_t> owner;   ///< rank, by operation
};

/// The image of an operation is the one of the image of its owner with the same legs, moved; of several such ones, and of
/// operations without legs, the one that comes as late among them.
class StaticSymmetry final : public Symmetry {
 public:
  /// `program` has to live as long as this.
  StaticSymmetry(const StaticProgram& program, std::shared_ptr<const OwnedOperations> owned);

  Placement ranks() const override { return owned_->ranks; }
  std::vector<Interchange> interchanges() const override { return owned_->interchanges; }
  std::uint64_t operations() const override { return owned_->owner.size(); }
  void emit(std::uint32_t rank, Sink& sink) override;
  std::uint32_t owner(OpId op) const override { return owned_->owner[op.value]; }
  OpId image(OpId op, std::span<const std::uint32_t> image) const override;

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t op;
    auto operator<=>(const Entry&) const = default;
  };
  class Reader;
  void index_keys();
  std::size_t slot_of(std::uint64_t key) const;
  std::uint64_t key_of(std::uint32_t op, std::span<const std::uint32_t> image) const;

  const StaticProgram& program_;
  std::shared_ptr<const OwnedOperations> owned_;
  std::vector<std::uint32_t> identity_;
  std::vector<std::uint32_t> first_of_, of_rank_;   ///< operations by owner: of_rank_[first_of_[r] .. first_of_[r + 1])
  std::vector<Entry> by_key_;                       ///< sorted
  struct Slot {
    std::uint64_t key;
    std::uint32_t first;   ///< 1 + where in by_key_ it begins; zero: free
  };
  std::vector<Slot> slots_;                         ///< open addressing by key
  std::vector<std::uint32_t> turn_;                 ///< by operation: how many of its key come before
};

}  // namespace weft::workloads
