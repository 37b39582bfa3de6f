// A DecodeGroup is what one data-parallel group of a decode unit works on: its requests and their part of its KV memory.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/inference/serving/drafts.h"

namespace weft::workloads::inference::serving {

/// A request that has left, and how much of what a step counted for it was too much: a last step may give more than it wants.
struct Left {
  std::uint32_t request = 0, steps = 0;
  std::uint32_t delivered = 0;             ///< since it joined
};

/// Where every step gives a request as much (no drafts, or all accepted) a step costs as much as ten requests or a thousand: the step in
/// which the next one ends is known. Else a step draws for each.
class DecodeGroup {
 public:
  std::uint32_t running() const { return static_cast<std::uint32_t>(request_.size()); }
  /// Running, and on their way here.
  std::uint32_t placed() const { return running() + coming_; }
  double kv() const { return static_cast<double>(kv_); }
  double placed_kv() const { return static_cast<double>(kv_ + coming_kv_); }
  /// Memory taken, in tokens: what is promised (reserve) or what is there (preempt).
  double taken() const { return promised_ > 0 ? static_cast<double>(promised_) : placed_kv(); }

  /// `promise`: tokens to keep free for it until it leaves; zero: none.
  void place(std::uint32_t context, std::uint64_t promise);
  /// A placed request begins with the step number `step`; it has `context` tokens in the cache and wants `tokens` more.
  void join(std::uint32_t request, std::uint32_t context, std::uint32_t tokens, std::uint64_t key, std::uint64_t step, const Drafts& drafts);
  /// All requests get their tokens of step number `step`; those that have all they want leave, into `left`. Returns the tokens delivered.
  std::uint64_t advance(std::uint64_t step, const Drafts& drafts, std::vector<Left>& left);
  void release(std::uint64_t promise) { promised_ -= promise; }
  /// Takes the request that joined last out, before step number `step`. Precondition: one is running.
  Left evict(std::uint64_t step, const Drafts& drafts);

 private:
  Left take_out(std::size_t i, std::int64_t got, std::uint64_t step);
  std::uint64_t draw(std::uint64_t step, const Drafts& drafts);

  // By request that is running; the order means nothing.
  std::vector<std::uint32_t> request_, context_;
  std::vector<std::int32_t> wants_, lacks_;     // when it joined; now (drawn steps alone), below zero: had more than it wanted
  std::vector<std::uint64_t> joined_, ends_;    // step numbers; the last that it takes part in (fixed steps alone)
  std::vector<std::uint64_t> draw_base_;
  std::uint64_t kv_ = 0, coming_kv_ = 0, promised_ = 0;
  std::uint32_t coming_ = 0;
  std::uint64_t next_end_ = ~std::uint64_t{0};
};

}  // namespace weft::workloads::inference::serving
