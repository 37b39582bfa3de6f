// Heaps of four children a node: one of (time, index) whose entries can be moved and taken out by index, and a plain one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace weft::engine {

/// The smallest first, by `a < b`.
template <class T>
class QuadHeap {
 public:
  bool empty() const { return heap_.empty(); }
  const T& top() const { return heap_.front(); }
  void push(const T& item) {
    heap_.push_back(item);
    up(heap_.size() - 1, item);
  }
  /// From the top down the smallest child moves up, without a look at what will fill the hole: that is one of the last, and
  /// belongs near the bottom.
  void pop() {
    const T last = heap_.back();
    heap_.pop_back();
    const std::size_t size = heap_.size();
    if (size == 0) return;
    std::size_t at = 0;
    for (std::size_t child = 1; child < size; child = 4 * at + 1) {
      std::size_t best = child;
      const std::size_t end = child + 4 < size ? child + 4 : size;
      if (end - child == 4) {   // as pairs: no compare waits for the one before
        const std::size_t a = child + (heap_[child + 1] < heap_[child] ? 1 : 0), b = child + 2 + (heap_[child + 3] < heap_[child + 2] ? 1 : 0);
        best = heap_[b] < heap_[a] ? b : a;
      } else {
        for (std::size_t c = child + 1; c < end; ++c) best = heap_[c] < heap_[best] ? c : best;
      }
      heap_[at] = heap_[best];
      at = best;
    }
    up(at, last);
  }

 private:
  void up(std::size_t at, const T& item) {
    while (at > 0 && item < heap_[(at - 1) / 4]) {
      heap_[at] = heap_[(at - 1) / 4];
      at = (at - 1) / 4;
    }
    heap_[at] = item;
  }

  std::vector<T> heap_;
};

/// Ties go to the smaller index.
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
