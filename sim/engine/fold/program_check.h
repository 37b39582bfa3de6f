// ProgramCheck: holds operations of a program against their images under a permutation of its ranks.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "workloads/symmetry.h"

namespace weft::engine {

/// All operations of a program that has few; of a larger one those of some ranks, chosen by counter-based draws, so always the
/// same ones. What an operation is and does is compared, but for the key that ECMP hashes.
class ProgramCheck {
 public:
  explicit ProgramCheck(workloads::Symmetry& symmetry);

  /// Whether the images of the operations looked at are what they should be.
  bool unchanged(const workloads::Permutation& image);

 private:
  static constexpr std::uint64_t few_operations = 5'000;
  static constexpr std::uint32_t ranks_looked_at = 4, ranks_kept = 64;

  struct Operation {
    enum class Kind : std::uint8_t { transfer, compute, marker } kind = Kind::marker;
    OpId id;
    workloads::Transfer transfer;        // without its legs
    workloads::Compute compute;
    Seconds delay;
    std::vector<workloads::Leg> legs;
    std::vector<OpId> after;
    std::uint32_t turn = 0;              // in order of emission
  };
  using Operations = std::vector<Operation>;   // in order of id
  class Recorder;

  std::vector<std::uint32_t> ranks_to_look_at(const workloads::Permutation& image);
  const Operations& operations_of(std::uint32_t rank);
  bool streams_in_order(const Operations& here, const Operations& there, const workloads::Permutation& image) const;
  bool rank_unchanged(std::uint32_t rank, const workloads::Permutation& image);
  bool equal(const Operation& op, const Operation& there, const workloads::Permutation& image);
  bool equal_streams(StreamId stream, StreamId there, bool same_operation);
  bool equal_transfers(const Operation& op, const Operation& there, const workloads::Permutation& image);
  bool equal_after(const Operation& op, const Operation& there, const workloads::Permutation& image) const;

  workloads::Symmetry& symmetry_;
  bool all_;
  std::uint64_t turn_ = 0;
  std::map<std::uint32_t, Operations> known_;   // by rank
  std::map<StreamId, StreamId> streams_;        // of the rank at hand
  std::vector<workloads::Leg> legs_, legs_there_;
};

}  // namespace weft::engine
