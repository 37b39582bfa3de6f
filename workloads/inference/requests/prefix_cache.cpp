#include "workloads/inference/requests/prefix_cache.h"

#include <ranges>

#include "sim/core/error.h"

namespace weft::workloads::inference {

void PrefixCache::unlink(std::uint32_t at) {
  const Entry& e = entries_[at];
  entries_[e.newer].older = e.older;
  entries_[e.older].newer = e.newer;
}

void PrefixCache::link_newest(std::uint32_t at) {
  const std::uint32_t second = entries_[0].older;
  entries_[at].newer = 0;
  entries_[at].older = second;
  entries_[second].newer = at;
  entries_[0].older = at;
}

void PrefixCache::drop(std::uint32_t at) {
  unlink(at);
  used_ -= entries_[at].piece.tokens;
  where_.erase(entries_[at].piece.id);
  free_.push_back(at);
}

void PrefixCache::use(const Piece& piece) {
  if (piece.tokens > capacity_) return;
  if (const auto found = where_.find(piece.id); found != where_.end()) {
    unlink(found->second);
    link_newest(found->second);
    return;
  }
  while (piece.tokens > capacity_ - used_) drop(entries_[0].newer);   // the oldest
  std::uint32_t at = 0;
  if (free_.empty()) {
    WEFT_CHECK(entries_.size() < std::numeric_limits<std::uint32_t>::max(), "a cache of four billion pieces");
    at = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  entries_[at].piece = piece;
  where_.emplace(piece.id, at);
  used_ += piece.tokens;
  link_newest(at);
}

std::uint64_t PrefixCache::visit(std::span<const Piece> pieces) {
  std::uint64_t held = 0;
  for (const Piece& p : pieces) {
    if (!where_.contains(p.id)) break;
    held += p.tokens;
  }
  for (const Piece& p : pieces | std::views::reverse) use(p);   // the beginning is used last: without it the rest is no hit
  return held;
}

}  // namespace weft::workloads::inference
