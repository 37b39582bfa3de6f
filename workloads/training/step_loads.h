// StepLoads: how many tokens each rank of a group sends where in each exchange of a training step: their mean, or drawn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "workloads/moe/routing_table.h"

namespace weft::workloads::training {

/// How tokens are routed in a step.
struct RoutingChoice {
  moe::Gate gate;
  std::uint32_t tokens = 4096;      ///< of each rank and micro-batch
  bool drawn = false;               ///< else every rank has the mean
  double imbalance = 0;             ///< sigma of the logarithm of the experts' popularity; 0: all alike. Only when drawn
  std::uint64_t seed = 0;
};

class StepLoads {
 public:
  StepLoads(const RoutingChoice& choice, std::uint32_t ranks, std::uint32_t per_block);

  bool drawn() const { return choice_.drawn; }
  std::uint32_t tokens() const { return choice_.tokens; }
  /// Tokens of rank `from` of a group with an expert on block `to`, and how many of these have one on each of its ranks.
  /// `routing` numbers micro-batch and layer.
  double messages(std::uint32_t routing, std::uint32_t layer, std::uint32_t group, std::uint32_t from, std::uint32_t to, std::span<double> copies) const;
  /// Routed rows of a rank over their mean.
  double rows(std::uint32_t routing, std::uint32_t layer, std::uint32_t group, std::uint32_t rank) const;
  double mean_blocks() const { return mean_blocks_; }
  double mean_ranks() const { return mean_ranks_; }

 private:
  /// One rank's tokens, routed by the gate; used again and again with blocks and ranks turned round.
  struct Sample {
    std::vector<float> messages, copies, selections;   ///< by block; by rank
  };
  struct Turned {
    const Sample* sample;
    std::uint64_t turn;
  };
  Turned turned(std::uint32_t routing, std::uint32_t group, std::uint32_t from) const;
  /// Which block of the sample stands for a block, and where in it one begins to count.
  struct Place {
    std::uint32_t block, first;
  };
  Place place(std::uint64_t turn, std::uint32_t block) const;
  void draw_popularity();
  double popularity(std::uint32_t layer, std::uint32_t rank) const { return popularity_.empty() ? 1 : popularity_[(layer % layers_) * ranks_ + rank]; }

  RoutingChoice choice_;
  std::uint32_t ranks_, per_block_, blocks_;
  double mean_blocks_ = 1, mean_ranks_ = 1;
  double mean_messages_ = 0, mean_copies_ = 0;   ///< of a rank's tokens, to one block, to one rank
  std::vector<Sample> samples_;
  std::vector<float> popularity_, block_popularity_;   ///< by layer (modulo layers_) and rank, or block; mean 1; empty: all alike
  static constexpr std::uint32_t layers_ = 64;
};

}  // namespace weft::workloads::training
