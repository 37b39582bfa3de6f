// BatchRefiner: which flows of a batch are alike, and which links.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/fluid/batch_members.h"
#include "sim/engine/fluid/paths.h"
#include "sim/engine/fluid/solver.h"

namespace weft::engine {

/// Colour refinement as in refine.h, with small group numbers in place of the flows' colours: a flow's new group follows from
/// its old one and the links' colours. Groups only ever split, so the first flows of a group keep its number.
class BatchRefiner {
 public:
  /// A new one for each batch; its members have been read.
  BatchRefiner(const Paths& paths, BatchMembers& members) : paths_(paths), members_(members) {}

  /// `moving`: by group, whether its members move; the others are let be. Groups that fall apart get new numbers at the end
  /// of `moving`, and torn_from() says which was theirs. False, with the groups in between, once there are more than `most`.
  bool run(std::vector<std::uint8_t>& moving, std::size_t most);
  /// By number of new group, the first of which is `groups` before the last run.
  std::span<const std::uint32_t> torn_from() const { return torn_from_; }
  /// By group: how many flows it has, if they move.
  std::uint32_t count(std::uint32_t group) const { return count_[group]; }

  std::uint32_t link_classes() const { return static_cast<std::uint32_t>(class_size_.size()); }
  double capacity(std::uint32_t link_class) const { return class_capacity_[link_class]; }
  /// What the flows of a group put on each link of a class, per unit of level: links are numbers of classes.
  void find_terms(std::uint32_t group, double weight, std::vector<Solver::Term>& terms);

 private:
  struct Load {
    std::uint32_t link;         // in links_
    double coefficient;
    std::uint64_t word;
  };

  void collect_loads();
  void add_up_members(const std::vector<std::uint8_t>& moving);
  void colour_links();
  void add_up_links();
  void split(std::vector<std::uint8_t>& moving);
  std::uint32_t number(std::uint32_t group, std::uint64_t sum, std::vector<std::uint8_t>& moving);
  void grow_slots();
  void sort_links();

  const Paths& paths_;
  BatchMembers& members_;
  std::vector<std::uint32_t> links_, place_of_link_;     // those that matter
  std::vector<std::uint64_t> colour_, link_word_;        // by place in links_
  std::vector<std::uint32_t> first_load_;                // by piece
  std::vector<Load> loads_;
  std::vector<std::uint64_t> word_, piece_word_;         // by stretch, by piece
  // By group.
  std::vector<std::uint64_t> group_word_, sum_;
  std::vector<std::uint32_t> count_, sample_, torn_from_;
  std::vector<std::uint8_t> seen_;
  // New groups of one split by (old group, sum): open addressing.
  struct Slot {
    std::uint64_t sum = 0;
    std::uint32_t from = 0, to = none;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::vector<Slot> slots_;
  std::size_t filled_ = 0;
  // Classes of links.
  std::vector<std::uint32_t> class_of_, class_size_;     // by place in links_; by class
  std::vector<double> class_capacity_, class_sum_;
};

}  // namespace weft::engine
