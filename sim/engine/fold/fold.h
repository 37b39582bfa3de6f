// Fold: ranks that symmetries of program and fabric turn into each other, of which one is simulated for all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sim/engine/engine.h"
#include "sim/engine/fluid/paths.h"
#include "workloads/symmetry.h"

namespace weft::engine {

/// Why it is exact. Max-min rates are unique, so an automorphism of flows and links cannot change them: they are constant on
/// orbits. Let r stand for an orbit of n ranks, and L be an orbit of links. What the operations of all n ranks put on the links
/// of L together is n times what those of r put on them, and each link bears an equal part. So the operations of r with n times
/// the bytes, weight and rate cap, on a fabric where L is one link of |L| times the capacity, have n times the rates, and end
/// when they do in full. What they wait for are images of what the others wait for, and end at the same times.
class Fold {
 public:
  Fold(std::shared_ptr<workloads::Symmetry> symmetry, std::size_t links);

  /// `links` is what the permutation does to links.
  void add(workloads::Permutation image, workloads::Permutation back, std::span<const std::uint32_t> links);
  /// To be called once, after the last permutation.
  void close();

  workloads::Symmetry& symmetry() const { return *symmetry_; }
  /// Ranks that stand for others and themselves, in order.
  std::span<const std::uint32_t> simulated() const { return simulated_; }
  bool is_simulated(std::uint32_t rank) const { return representative_[rank] == rank; }
  /// How many ranks a simulated one stands for.
  std::uint32_t stands_for(std::uint32_t rank) const { return size_[rank]; }
  const LinkOrbits& links() const { return links_; }

  /// The operation of a simulated rank that stands for this one.
  OpId standing_for(OpId op) const;
  /// Sets `all` to the operations for which one of a simulated rank stands, itself first.
  void images(OpId op, std::vector<OpId>& all) const;

 private:
  struct Generator {
    workloads::Permutation image, back;
  };
  /// How a rank is reached from the one that stands for it: from `before`, an earlier step of the orbit, by a generator.
  struct Step {
    std::uint32_t before, generator, rank;
  };
  void collect_steps();

  std::shared_ptr<workloads::Symmetry> symmetry_;
  std::vector<Generator> generators_;
  std::vector<std::uint32_t> representative_, size_, simulated_;
  LinkOrbits links_;
  std::vector<std::vector<Step>> steps_;          // by representative: its orbit; the first step is itself
  std::vector<std::uint32_t> step_of_;            // by rank
};

/// Nothing when the program declares no symmetries or none holds.
std::optional<Fold> find_fold(topology::Router& router, workloads::Program& program, const Options& options);

/// As run(); the sink hears of all operations.
Summary run_folded(const Fold& fold, topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink);

}  // namespace weft::engine
