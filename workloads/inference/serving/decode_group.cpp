#include "workloads/inference/serving/decode_group.h"

#include "sim/core/error.h"

namespace weft::workloads::inference::serving {
namespace {

template <class T>
void drop(std::vector<T>& list, std::size_t i) {
  list[i] = list.back();
  list.pop_back();
}

}  // namespace

void DecodeGroup::place(std::uint32_t context, std::uint64_t promise) {
  ++coming_;
  coming_kv_ += context;
  promised_ += promise;
}

void DecodeGroup::join(std::uint32_t request, std::uint32_t context, std::uint32_t tokens, std::uint64_t key, std::uint64_t step, const Drafts& drafts) {
  WEFT_CHECK(coming_ > 0 && tokens > 0, "a request joins a group that did not expect it");
  --coming_;
  coming_kv_ -= context;
  kv_ += context;
  request_.push_back(request);
  context_.push_back(context);
  wants_.push_back(static_cast<std::int32_t>(tokens));
  lacks_.push_back(static_cast<std::int32_t>(tokens));
  joined_.push_back(step);
  draw_base_.push_back(Drafts::at(key, 0 - step));
  const std::uint64_t steps = drafts.fixed() > 0 ? (tokens + drafts.fixed() - 1) / drafts.fixed() : 0;
  ends_.push_back(step + steps - 1);
  if (steps > 0) next_end_ = std::min(next_end_, ends_.back());
}

Left DecodeGroup::take_out(std::size_t i, std::int64_t got, std::uint64_t step) {
  const Left l{request_[i], static_cast<std::uint32_t>(step - joined_[i]), static_cast<std::uint32_t>(std::min<std::int64_t>(got, wants_[i]))};
  kv_ -= context_[i] + static_cast<std::uint64_t>(got);
  drop(request_, i), drop(context_, i), drop(wants_, i), drop(lacks_, i), drop(joined_, i), drop(ends_, i), drop(draw_base_, i);
  return l;
}

// Draws for all; returns the tokens. This loop is where a simulation with drafts spends its time.
std::uint64_t DecodeGroup::draw(std::uint64_t step, const Drafts& drafts) {
  const std::uint64_t at = Drafts::at(0, step);
  std::uint64_t tokens = 0;
  std::int32_t least = 1;
  for (std::size_t i = 0; i < request_.size(); ++i) {
    const std::uint32_t got = drafts.draw(draw_base_[i] + at);
    lacks_[i] -= static_cast<std::int32_t>(got);
    tokens += got;
    least = std::min(least, lacks_[i]);
  }
  next_end_ = least <= 0 ? step : ~std::uint64_t{0};
  return tokens;
}

std::uint64_t DecodeGroup::advance(std::uint64_t step, const Drafts& drafts, std::vector<Left>& left) {
  const std::uint32_t fixed = drafts.fixed();
  std::uint64_t tokens = fixed > 0 ? std::uint64_t{fixed} * request_.size() : draw(step, drafts);
  kv_ += tokens;
  if (next_end_ != step) return tokens;
  next_end_ = ~std::uint64_t{0};
  for (std::size_t i = 0; i < request_.size();) {
    const std::int64_t got = fixed > 0 ? static_cast<std::int64_t>((step + 1 - joined_[i]) * fixed) : wants_[i] - lacks_[i];
    if (got >= wants_[i]) {
      tokens -= static_cast<std::uint64_t>(got - wants_[i]);
      left.push_back(take_out(i, got, step + 1));
      continue;
    }
    if (fixed > 0) next_end_ = std::min(next_end_, ends_[i]);
    ++i;
  }
  return tokens;
}

Left DecodeGroup::evict(std::uint64_t step, const Drafts& drafts) {
  WEFT_CHECK(!request_.empty(), "no request to preempt");
  std::size_t youngest = 0;
  for (std::size_t i = 1; i < request_.size(); ++i) {
    if (joined_[i] > joined_[youngest]) youngest = i;
  }
  const std::uint32_t fixed = drafts.fixed();
  const std::int64_t got = fixed > 0 ? static_cast<std::int64_t>((step - joined_[youngest]) * fixed) : wants_[youngest] - lacks_[youngest];
  const Left l = take_out(youngest, got, step);
  if (fixed > 0) {
    next_end_ = ~std::uint64_t{0};
    for (const std::uint64_t end : ends_) next_end_ = std::min(next_end_, end);
  }
  return l;
}

}  // namespace weft::workloads::inference::serving
