// Search: finds permutations of ranks that change neither the fabric in use nor the program.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/fold/fabric_in_use.h"
#include "sim/engine/fold/orbits.h"
#include "sim/engine/fold/program_check.h"
#include "workloads/symmetry.h"

namespace weft::engine {

/// Tries rotations and exchanges of the blocks of each interchange. Where blocks hang on the same switches they are tried
/// together; what is so found alike (the nodes of a leaf) makes a larger block, to be exchanged with others (leaf by leaf, pod
/// by pod). What does not fit, after a failure or with bytes of its own, is left out and the rest tried one by one. Every
/// permutation that is kept has passed both checks; those not thought of only cost time in the simulation.
class Search {
 public:
  Search(workloads::Symmetry& symmetry, const FabricInUse& fabric);

  struct Generator {
    workloads::Permutation ranks, back;       // and its inverse
    std::vector<std::uint32_t> links;
  };
  std::vector<Generator> take() { return std::move(generators_); }

 private:
  using Block = std::vector<std::uint32_t>;
  using Blocks = std::vector<Block>;
  static constexpr int most_failures = 200;

  void rotate_all(const Blocks& blocks);
  void exchange(const Blocks& blocks);
  void settle_all(const std::vector<Blocks>& classes);
  void settle(const Blocks& blocks);
  void arrange(const Blocks& blocks);
  void swap_one_by_one(const Blocks& blocks);
  std::vector<Blocks> alike(const Blocks& blocks) const;

  bool rotate(const Blocks& blocks, std::size_t by);
  bool rotate_in_runs(const Blocks& blocks, std::size_t run);
  bool swap(const Block& a, const Block& b);
  bool accept(workloads::Permutation image);
  bool in_one_orbit(const Blocks& blocks);
  workloads::Permutation identity() const;

  workloads::Symmetry& symmetry_;
  const FabricInUse& fabric_;
  ProgramCheck program_;
  Orbits orbits_;                      // of ranks
  std::vector<Generator> generators_;
  int failures_ = 0;
};

}  // namespace weft::engine
