#include "workloads/training/step_loads.h"

#include <algorithm>
#include <numeric>

#include "sim/core/error.h"
#include "workloads/moe/popularity.h"

namespace weft::workloads::training {

StepLoads::StepLoads(const RoutingChoice& choice, std::uint32_t ranks, std::uint32_t per_block)
    : choice_(choice), ranks_(ranks), per_block_(per_block), blocks_(ranks / per_block) {
  moe::Group group;
  group.ranks = ranks;
  group.per_node = per_block;
  group.tokens = choice.tokens;
  if (!choice.drawn) {
    const moe::FanOut fan_out = moe::expected_fan_out(choice.gate, group, choice.seed);
    mean_blocks_ = fan_out.nodes;
    mean_ranks_ = fan_out.ranks;
  } else {
    const moe::RoutingTable table = moe::sample_routing(choice.gate, group, choice.seed);
    mean_blocks_ = table.mean_nodes();
    mean_ranks_ = table.mean_ranks();
    samples_.resize(ranks);
    for (std::uint32_t r = 0; r < ranks; ++r) {
      const auto part = [&](const std::vector<double>& all, std::uint32_t n) {
        return std::vector<float>(all.begin() + std::size_t{r} * n, all.begin() + std::size_t{r + 1} * n);
      };
      samples_[r] = {part(table.messages, blocks_), part(table.copies, ranks), part(table.selections, ranks)};
    }
    if (choice.imbalance > 0) draw_popularity();
  }
  mean_messages_ = choice.tokens * mean_blocks_ / blocks_;
  mean_copies_ = choice.tokens * mean_ranks_ / ranks_;
}

// An expert's popularity is lognormal and stays through the step; a rank's is the mean of its experts'.
void StepLoads::draw_popularity() {
  const std::uint32_t experts = choice_.gate.experts / ranks_;
  for (std::uint32_t layer = 0; layer < layers_; ++layer) {
    std::vector<double> of_rank(ranks_, 0);
    for (std::uint32_t e = 0; e < choice_.gate.experts; ++e) {
      of_rank[e / experts] += moe::lognormal_popularity(choice_.seed, layer, e, choice_.imbalance);
    }
    const double mean = std::accumulate(of_rank.begin(), of_rank.end(), 0.0) / ranks_;
    for (std::uint32_t b = 0; b < blocks_; ++b) {
      double of_block = 0;
      for (std::uint32_t r = b * per_block_; r < (b + 1) * per_block_; ++r) {
        popularity_.push_back(static_cast<float>(of_rank[r] / mean));
        of_block += of_rank[r] / mean;
      }
      block_popularity_.push_back(static_cast<float>(of_block / per_block_));
    }
  }
}

StepLoads::Turned StepLoads::turned(std::uint32_t routing, std::uint32_t group, std::uint32_t from) const {
  const std::uint64_t h = hash_with(mix64(choice_.seed ^ (std::uint64_t{routing} << 32 | group)), from);
  return {&samples_[h % samples_.size()], mix64(h)};
}

StepLoads::Place StepLoads::place(std::uint64_t turn, std::uint32_t block) const {
  const auto of = static_cast<std::uint32_t>((block + turn % blocks_) % blocks_);
  return {of, static_cast<std::uint32_t>(mix64(turn + of) % per_block_)};
}

double StepLoads::messages(std::uint32_t routing, std::uint32_t layer, std::uint32_t group, std::uint32_t from, std::uint32_t to,
                           std::span<double> copies) const {
  if (!choice_.drawn) {
    std::fill(copies.begin(), copies.end(), mean_copies_);
    return mean_messages_;
  }
  const Turned t = turned(routing, group, from);
  const Place at = place(t.turn, to);
  const float* const of_block = t.sample->copies.data() + std::size_t{at.block} * per_block_;
  double messages = t.sample->messages[at.block];
  if (!block_popularity_.empty()) messages = std::min<double>(choice_.tokens, messages * block_popularity_[(layer % layers_) * blocks_ + to]);
  for (std::uint32_t l = 0; l < per_block_; ++l) {
    copies[l] = std::min(messages, of_block[(l + at.first) % per_block_] * popularity(layer, to * per_block_ + l));
  }
  return messages;
}

double StepLoads::rows(std::uint32_t routing, std::uint32_t layer, std::uint32_t group, std::uint32_t rank) const {
  if (!choice_.drawn) return 1;
  const std::uint32_t block = rank / per_block_, local = rank % per_block_;
  double sum = 0;
  for (std::uint32_t from = 0; from < ranks_; ++from) {
    const Turned t = turned(routing, group, from);
    const Place at = place(t.turn, block);
    sum += t.sample->selections[at.block * per_block_ + (local + at.first) % per_block_];
  }
  return sum / (static_cast<double>(choice_.tokens) * choice_.gate.topk) * popularity(layer, rank);
}

}  // namespace weft::workloads::training
