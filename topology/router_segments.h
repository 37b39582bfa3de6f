// The store of interned segments: equal lists of hops get the same id, and a span handed out stays valid.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "topology/router.h"
#include "topology/router_flat_map.h"

namespace weft::topology {

class SegmentStore {
 public:
  /// The id of these hops; order does not matter, a link may appear once only. Sorts `hops`.
  SegmentId intern(std::vector<Hop>& hops) {
    std::sort(hops.begin(), hops.end(), [](const Hop& a, const Hop& b) { return a.link < b.link; });
    std::uint64_t key = mix64(hops.size());
    for (const Hop& h : hops) key = mix64(key ^ h.link.value ^ std::rotl(std::bit_cast<std::uint64_t>(h.share), 7));
    for (;; key = mix64(key)) {  // another list with the same hash sits on the way: go on to the next key
      if (key == reserved) continue;
      const std::uint32_t* known = ids_.find(key);
      if (known == nullptr) break;
      if (same(spans_[*known], hops)) return SegmentId(*known);
    }
    const auto id = static_cast<std::uint32_t>(spans_.size());
    spans_.push_back(keep(hops));
    ids_.put(key, id);
    return SegmentId(id);
  }

  std::span<const Hop> get(SegmentId s) const { return spans_[s.value]; }
  std::size_t size() const { return spans_.size(); }

 private:
  static constexpr std::uint64_t reserved = ~std::uint64_t{0};
  static constexpr std::size_t block_size = 4096;

  static bool same(std::span<const Hop> a, std::span<const Hop> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Hop& x, const Hop& y) { return x.link == y.link && x.share == y.share; });
  }

  /// Blocks never move, so that spans stay valid while the store grows.
  std::span<const Hop> keep(std::span<const Hop> hops) {
    if (room_ < hops.size()) {
      room_ = std::max(block_size, hops.size());
      blocks_.push_back(std::make_unique<Hop[]>(room_));
      next_ = blocks_.back().get();
    }
    Hop* const at = next_;
    std::copy(hops.begin(), hops.end(), at);
    next_ += hops.size();
    room_ -= hops.size();
    return {at, hops.size()};
  }

  FlatMap<std::uint32_t> ids_;
  std::vector<std::span<const Hop>> spans_;
  std::vector<std::unique_ptr<Hop[]>> blocks_;
  Hop* next_ = nullptr;
  std::size_t room_ = 0;
};

}  // namespace weft::topology
