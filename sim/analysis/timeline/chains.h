// Chains: many short lists of small things in one array.
#pragma once

#include <cstdint>
#include <vector>

namespace weft::analysis {

template <class T>
class Chains {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// Puts a thing in front of the list that begins at `head`.
  void push(std::uint32_t& head, T value) {
    std::uint32_t at = free_;
    if (at == none) {
      at = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({std::move(value), head});
    } else {
      free_ = nodes_[at].next;
      nodes_[at] = {std::move(value), head};
    }
    head = at;
  }
  /// Calls f(thing) for each, the last pushed first.
  template <class F>
  void for_each(std::uint32_t head, F f) {
    for (std::uint32_t at = head; at != none; at = nodes_[at].next) f(nodes_[at].value);
  }
  T& front(std::uint32_t head) { return nodes_[head].value; }
  void clear(std::uint32_t& head) {
    while (head != none) {
      const std::uint32_t next = nodes_[head].next;
      nodes_[head].next = free_;
      free_ = head;
      head = next;
    }
  }

 private:
  struct Node {
    T value;
    std::uint32_t next;
  };
  std::vector<Node> nodes_;
  std::uint32_t free_ = none;
};

}  // namespace weft::analysis
