// A 4-ary heap of (time, index) whose entries can be moved and taken out by index; ties go to the smaller index.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace weft::engine {

class IndexedHeap {
 public:
  static constexpr double never = std::numeric_limits<double>::infinity();

  bool empty() const { return heap_.empty(); }
  double top_key() const { return heap_.empty() ? never : heap_[0].key; }
  std::uint32_t top() const { return heap_[0].index; }

  /// Puts `index` at `key`, wherever it was before; `never` takes it out.
  void set(std::uint32_t index, double key) {
    if (index >= place_.size()) place_.resize(index + 1, absent);
    if (key == never) return erase(index);
    std::uint32_t at = place_[index];
    if (at == absent) {
      at = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back({key, index});
      place_[index] = at;
      up(at);
      return;
    }
    heap_[at].key = key;
    if (!up(at)) down(at);
  }

  void erase(std::uint32_t index) {
    if (index >= place_.size() || place_[index] == absent) return;
    const std::uint32_t at = place_[index];
    place_[index] = absent;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    heap_[at] = last;
    place_[last.index] = at;
    if (!up(at)) down(at);
  }

 private:
  struct Entry {
    double key;
    std::uint32_t index;
    bool before(const Entry& o) const { return key < o.key || (key == o.key && index < o.index); }
  };
  static constexpr std::uint32_t absent = ~std::uint32_t{0};

  bool up(std::uint32_t at) {
    const Entry e = heap_[at];
    const std::uint32_t start = at;
    while (at > 0) {
      const std::uint32_t parent = (at - 1) / 4;
      if (!e.before(heap_[parent])) break;
      put(at, heap_[parent]);
      at = parent;
    }
    put(at, e);
    return at != start;
  }

  void down(std::uint32_t at) {
    const Entry e = heap_[at];
    const auto size = static_cast<std::uint32_t>(heap_.size());
    while (4 * at + 1 < size) {
      std::uint32_t best = 4 * at + 1;
      const std::uint32_t end = best + 4 < size ? best + 4 : size;
      for (std::uint32_t c = best + 1; c < end; ++c) {
        if (heap_[c].before(heap_[best])) best = c;
      }
      if (!heap_[best].before(e)) break;
      put(at, heap_[best]);
      at = best;
    }
    put(at, e);
  }

  void put(std::uint32_t at, const Entry& e) {
    heap_[at] = e;
    place_[e.index] = at;
  }

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> place_;   // by index: where in heap_
};

}  // namespace weft::engine
