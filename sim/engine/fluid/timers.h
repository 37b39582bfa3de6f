// Timers: what is due when. Many timers of one instant cost little more than one.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "sim/engine/fluid/heap.h"

namespace weft::engine {

/// Items are kept in bunches of equal time, and only bunches are ordered. An item joins one of the last few bunches when
/// its time is exactly theirs, so one instant may have several bunches; these come out in any order, the same in every run.
template <class Item>
class Timers {
 public:
  double next() const { return order_.empty() ? std::numeric_limits<double>::infinity() : order_.top().at; }

  void add(double at, const Item& item) {
    for (const std::uint32_t b : recent_) {
      if (b < bunches_.size() && bunches_[b].open && bunches_[b].at == at) {
        bunches_[b].items.push_back(item);
        return;
      }
    }
    const std::uint32_t b = take();
    bunches_[b].at = at;
    bunches_[b].open = true;
    bunches_[b].items.push_back(item);
    recent_[turn_++ % recent_.size()] = b;
    order_.push({at, b});
  }

  /// Moves the items of the earliest bunch to the end of `out`. Precondition: there is one.
  void take_next(std::vector<Item>& out) {
    const std::uint32_t b = order_.top().bunch;
    order_.pop();
    Bunch& bunch = bunches_[b];
    out.insert(out.end(), bunch.items.begin(), bunch.items.end());
    bunch.open = false;
    if (bunch.items.size() > keep) bunch.items = std::vector<Item>();
    else bunch.items.clear();
    free_.push_back(b);
  }

 private:
  struct Bunch {
    double at = 0;
    bool open = false;
    std::vector<Item> items;
  };
  struct Place {
    double at;
    std::uint32_t bunch;
    bool operator<(const Place& o) const { return at < o.at; }
  };
  static constexpr std::size_t keep = 1024;   // larger arrays are given back

  std::uint32_t take() {
    if (free_.empty()) {
      bunches_.emplace_back();
      return static_cast<std::uint32_t>(bunches_.size() - 1);
    }
    const std::uint32_t b = free_.back();
    free_.pop_back();
    return b;
  }

  std::vector<Bunch> bunches_;
  std::vector<std::uint32_t> free_;
  std::array<std::uint32_t, 4> recent_{~0u, ~0u, ~0u, ~0u};
  std::uint32_t turn_ = 0;
  QuadHeap<Place> order_;
};

}  // namespace weft::engine
